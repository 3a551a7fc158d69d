#include "case_print.h"

#include "cli.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

static const char *text_at(const json_t *json, const char *name)
{
    const char *text = json_string_value(json_object_get(json, name));
    return text ? text : "";
}

/* In the language of the terminal; where that one is missing, the other. */
static const char *label_at(const json_t *json, const char *name)
{
    const json_t *label = json_object_get(json, name);
    const char *text = text_at(label, cli_english() ? "en" : "zh");
    return *text ? text : text_at(label, cli_english() ? "zh" : "en");
}

/* "2026-11-25T07:15:45.171+08:00" -> "2026-11-25 07:15:45" */
static void print_time(const char *time)
{
    printf("%.10s %.8s", time, strlen(time) >= 19 ? time + 11 : "");
}

static void print_clauses(const json_t *json)
{
    const json_t *clause;
    size_t i;
    json_array_foreach(json_object_get(json, "clauses"), i, clause)
        printf("%s%s", i ? " " : "  [", json_string_value(clause));
    if (json_array_size(json_object_get(json, "clauses")))
        putchar(']');
}

/* A value of any kind: text, number, yes, time ... stands under its own name. */
static void print_value(const json_t *value)
{
    const char *kind;
    json_t *content;
    json_object_foreach((json_t *)(uintptr_t)value, kind, content) {
        if (json_is_string(content))
            printf("%s", json_string_value(content));
        else if (json_is_boolean(content))
            printf("%s", strcmp(kind, "present") == 0 ? "(sealed)" : json_is_true(content) ? "yes" : "no");
        else
            json_dumpf(content, stdout, JSON_COMPACT | JSON_ENCODE_ANY);
    }
}

/* ---- the file ---- */

static void print_personal(const char *name, const json_t *personal)
{
    if (json_is_object(personal))
        printf("  %s: %s\n", name, json_object_get(personal, "plain") ? text_at(personal, "plain") : "(sealed)");
}

static void print_party(const json_t *party)
{
    static const char *const names[] = {"name", "phone", "email", "address"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        print_personal(names[i], json_object_get(party, names[i]));
}

/* Of the facts those that are not said elsewhere: what the policy's own fields hold. */
static void print_facts(const json_t *facts)
{
    static const char known[] =
        " kind received_at registered_at stage phase round text complainant_name complainant_phone "
        "complainant_email complainant_address lead handler ";
    const json_t *fact;
    size_t i;
    json_array_foreach(facts, i, fact) {
        char word[160];
        snprintf(word, sizeof word, " %s ", text_at(fact, "name"));
        if (strstr(known, word) || json_object_get(json_object_get(fact, "value"), "present"))
            continue;
        printf("  %s: ", text_at(fact, "name"));
        print_value(json_object_get(fact, "value"));
        putchar('\n');
    }
}

static void print_withheld(const json_t *fields)
{
    const json_t *field;
    size_t i;
    json_array_foreach(fields, i, field)
        printf("  %s: (withheld)\n", json_string_value(field));
}

/* Why something is sealed, and what would open it. */
static void print_unopened(const json_t *unopened)
{
    if (unopened)
        printf("  sealed: %s (%s)\n", text_at(unopened, "en"), text_at(unopened, "code"));
}

static void print_allowed(const json_t *allowed)
{
    const json_t *step, *need;
    size_t i, n;
    json_array_foreach(allowed, i, step) {
        printf("  %s %s (%s)", i ? "           " : "can be done", text_at(step, "step"), label_at(step, "label"));
        json_array_foreach(json_object_get(step, "needs"), n, need)
            printf("%s%s", n ? ", " : " with ", json_string_value(need));
        print_clauses(step);
        json_array_foreach(json_object_get(step, "blocked"), n, need)
            printf("%s%s", n ? "; " : "  not yet: ", label_at(need, "text"));
        putchar('\n');
    }
}

void case_print_file(const json_t *file)
{
    const json_t *field;
    size_t i;
    printf("%s  %s  %s  round %lld  version %s\n", text_at(file, "number"), text_at(file, "kind"),
           text_at(file, "stage"), (long long)json_integer_value(json_object_get(file, "round")),
           text_at(file, "version"));
    printf("  %s, %s; received ", text_at(file, "lead"), text_at(file, "handler"));
    print_time(text_at(file, "received_at"));
    putchar('\n');
    print_party(json_object_get(file, "party"));
    print_personal("text", json_object_get(file, "text"));
    json_array_foreach(json_object_get(file, "texts"), i, field)
        print_personal(text_at(field, "name"), json_object_get(field, "text"));
    print_facts(json_object_get(file, "facts"));
    print_withheld(json_object_get(file, "withheld"));
    print_unopened(json_object_get(file, "unopened"));
    print_allowed(json_object_get(file, "allowed"));
}

/* ---- the timeline ---- */

/* The one object of the payload: {"casework": {"step_taken": {...}}}. */
static const json_t *payload_of(const json_t *event, const char **name_out)
{
    static const char *const services[] = {"directory", "intake",     "routing",      "casework",
                                           "watchdog",  "escalation", "notification", "analytics"};
    for (size_t i = 0; i < sizeof services / sizeof *services; i++) {
        json_t *said = json_object_get(event, services[i]), *payload;
        json_object_foreach(said, *name_out, payload)
            return payload;
    }
    *name_out = "";
    return NULL;
}

/* What a line shows of a payload: whichever of these it has. */
static void print_details(const json_t *payload)
{
    static const char *const shown[] = {"number", "step",    "stage", "lead",   "handler",
                                        "notice", "channel", "level", "due_at", "outcome",
                                        "error",  "purpose", "kind",  "link",   "ended"};
    const char *clock = text_at(json_object_get(payload, "instance"), "clock");
    if (*clock)
        printf(" %s", clock);
    for (size_t i = 0; i < sizeof shown / sizeof *shown; i++) {
        const json_t *value = json_object_get(payload, shown[i]);
        if (json_is_true(value))
            printf(" %s", shown[i]);
        else if (json_is_integer(value))
            printf(" %s %lld", shown[i], (long long)json_integer_value(value));
        else if (json_is_string(value) && strcmp(shown[i], "due_at") == 0) {
            printf(" due ");
            print_time(json_string_value(value));
        } else if (json_is_string(value))
            printf(" %s", json_string_value(value));
    }
}

static void print_event(const json_t *event)
{
    const char *name;
    const json_t *payload = payload_of(event, &name), *actor = json_object_get(event, "actor");
    print_time(text_at(event, "occurred_at"));
    printf("  %-12s %-18s", text_at(event, "service"), name);
    print_details(payload);
    if (actor)
        printf("  by %s", json_is_true(json_object_get(actor, "complainant")) ? "the complainant"
                          : *text_at(actor, "person")                         ? text_at(actor, "person")
                                                                              : text_at(actor, "account"));
    if (actor && *text_at(actor, "for_person"))
        printf(" for %s", text_at(actor, "for_person"));
    print_clauses(event);
    putchar('\n');
}

void case_print_timeline(const json_t *timeline)
{
    const json_t *event;
    size_t i;
    json_array_foreach(json_object_get(timeline, "events"), i, event)
        print_event(event);
}

/* ---- why ---- */

static void print_days(const json_t *days)
{
    const json_t *day;
    size_t i;
    json_array_foreach(days, i, day)
        printf("    %s %-8s %s\n", text_at(day, "date"), text_at(day, "what"), label_at(day, "reason"));
}

/* Where the department that leads has it otherwise than the site. */
static void print_department(const json_t *item)
{
    if (*text_at(item, "department"))
        printf(", as %s has it", text_at(item, "department"));
}

static void print_rule(const json_t *item, const json_t *asked)
{
    const json_t *clause;
    size_t i;
    if (!*text_at(asked, "rule"))
        return;
    printf(", by rule %s", text_at(asked, "rule"));
    print_department(item);
    json_array_foreach(json_object_get(item, "rule_clauses"), i, clause)
        printf("%s%s", i ? " " : " of ", json_string_value(clause));
}

/* `routing`: of the last, whose the case is now, with the clauses that say so. */
static void print_routed(const json_t *routed, const json_t *routing)
{
    printf("to %s, %s: %s", text_at(routed, "lead"), text_at(routed, "handler"), label_at(routed, "reason"));
    print_rule(routed, routed);
    if (routing)
        print_clauses(routing);
    putchar('\n');
}

static void print_clock(const json_t *clock)
{
    printf("%s %s: %s, from ", text_at(json_object_get(clock, "instance"), "clock"), label_at(clock, "label"),
           text_at(clock, "state"));
    print_time(text_at(clock, "start_at"));
    printf(", due ");
    print_time(text_at(clock, "due_at"));
    printf("%s", json_is_true(json_object_get(clock, "provisional")) ? " (provisional)" : "");
    print_department(clock);
    print_clauses(clock);
    putchar('\n');
    print_days(json_object_get(clock, "days"));
}

static void print_notice(const json_t *entry)
{
    const json_t *notice = json_object_get(entry, "notice");
    const char *to = json_is_true(json_object_get(notice, "complainant")) ? "complainant" : text_at(notice, "person");
    printf("notice %s to %s by %s: %s", text_at(notice, "notice"), to, text_at(notice, "channel"),
           text_at(entry, "status"));
    if (*text_at(entry, "error"))
        printf(" (%s)", text_at(entry, "error"));
    if (json_object_get(notice, "after"))
        printf(", after the channel before failed");
    print_rule(entry, notice);
    print_clauses(entry);
    putchar('\n');
}

static void print_level(const json_t *level)
{
    printf("level");
    print_details(level);
    print_clauses(level);
    putchar('\n');
}

/* A field that is computed or counted: what of, and under which clauses. */
static void print_figure(const json_t *figure)
{
    const json_t *value = json_object_get(figure, "value"), *clause;
    const char *lists[] = {"clauses", "indicator_clauses"};
    size_t i, said = 0;
    printf("figure %s %s = ", label_at(figure, "label"), text_at(figure, "field"));
    print_value(value);
    printf("%s  %s", value ? "" : "-", text_at(figure, "is"));
    if (*text_at(figure, "counts"))
        printf(": %s%s%s", text_at(figure, "counts"), *text_at(figure, "where") ? " where " : "",
               text_at(figure, "where"));
    if (*text_at(figure, "state"))
        printf("  %s", text_at(figure, "state"));
    for (size_t l = 0; l < 2; l++)
        json_array_foreach(json_object_get(figure, lists[l]), i, clause)
            printf("%s%s", said++ ? " " : "  [", json_string_value(clause));
    printf("%s\n", said ? "]" : "");
}

void case_print_explain(const json_t *explain)
{
    const json_t *routing = json_object_get(explain, "routing"), *item;
    size_t i;
    printf("%s, policy version %lld\n", text_at(explain, "number"),
           (long long)json_integer_value(json_object_get(explain, "policy_version")));
    json_array_foreach(json_object_get(explain, "versions_taken"), i, item)
        printf("moved from version %lld to %lld at %s\n", (long long)json_integer_value(json_object_get(item, "from")),
               (long long)json_integer_value(json_object_get(item, "to")), text_at(item, "at"));
    json_array_foreach(json_object_get(routing, "routed"), i, item)
        print_routed(item, i + 1 == json_array_size(json_object_get(routing, "routed")) ? routing : NULL);
    json_array_foreach(json_object_get(explain, "clocks"), i, item)
        print_clock(item);
    json_array_foreach(json_object_get(explain, "levels"), i, item)
        print_level(item);
    json_array_foreach(json_object_get(explain, "notices"), i, item)
        print_notice(item);
    json_array_foreach(json_object_get(explain, "figures"), i, item)
        print_figure(item);
}
