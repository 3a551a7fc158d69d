/* `hearback policy move`: open cases of a site take the version of its policy that is in force. With
   --dry-run what would be moved and what could not be is listed, and nothing moved; without it the dates that were. */
#include "cli.h"
#include "rehearse.h"

#include <getopt.h>
#include <string.h>
#include <unistd.h>

static const char usage[] =
    "hearback policy move SITE [--kind KIND ...] [--case CASE ...] [--dry-run]\n"
    "  --kind     only cases of that kind\n"
    "  --case     only that case, by number or id\n"
    "  --dry-run  list which dates would move and which cases would be refused, and move nothing";

struct moving {
    struct cli *cli;
    const char *site;
    json_t *body;  /* version, kinds, cases */
    json_t *cases; /* of the preview, or those refused */
    size_t refused, dates;
};

static const char *text_at(const json_t *json, const char *name)
{
    const char *text = json_string_value(json_object_get(json, name));
    return text ? text : "";
}

static long long number_at(const json_t *json, const char *name)
{
    return (long long)json_integer_value(json_object_get(json, name));
}

static const char *path_of(const struct moving *moving, const char *rest)
{
    struct cli *cli = moving->cli;
    return arena_printf(&cli->arena, "/api/v1/policies/%s/move%s", cli_escape(cli, moving->site), rest);
}

/* ---- printing ---- */

static void print_clock(const char *number, const json_t *clock)
{
    const char *what = text_at(clock, "what"), *from = text_at(clock, "moved_from"), *due = text_at(clock, "due_at");
    printf("%-24s %-16s %-8s %s%s%s%s\n", number, text_at(json_object_get(clock, "instance"), "clock"), what, from,
           *from && *due ? " -> " : "", due, json_is_true(json_object_get(clock, "passed")) ? " (late at once)" : "");
}

static void print_problems(const json_t *one)
{
    const json_t *problem;
    size_t i;
    json_array_foreach(json_object_get(one, "problems"), i, problem)
        printf("%-24s refused  %s: %s\n", text_at(one, "number"), text_at(problem, "field"),
               text_at(json_object_get(problem, "text"), "en"));
}

/* ---- before ---- */

static void take_case(struct moving *moving, json_t *one)
{
    const json_t *clocks = json_object_get(one, "clocks"), *clock;
    size_t i;
    moving->refused += json_array_size(json_object_get(one, "problems")) > 0;
    moving->dates += json_array_size(clocks);
    json_array_append(moving->cases, one);
    if (moving->cli->json)
        return;
    print_problems(one);
    json_array_foreach(clocks, i, clock)
        print_clock(text_at(one, "number"), clock);
}

/* All pages are of the version that the first was of. */
static bool preview(struct moving *moving)
{
    struct cli *cli = moving->cli;
    const char *after = "";
    do {
        struct http_reply reply;
        json_t *one;
        size_t i;
        cli_http(cli, "POST",
                 path_of(moving, arena_printf(&cli->arena, "?dry_run=true%s%s", *after ? "&after=" : "", after)),
                 json_incref(moving->body), NULL, &reply);
        if (reply.status != 200)
            return cli_http_fail(cli, &reply), false;
        json_object_set(moving->body, "version", json_object_get(reply.json, "policy_version"));
        json_array_foreach(json_object_get(reply.json, "cases"), i, one)
            take_case(moving, one);
        after = text_at(reply.json, "next");
    } while (*after);
    return true;
}

static int say_preview(const struct moving *moving)
{
    if (moving->cli->json)
        cli_print_json(json_pack("{s:s, s:O, s:b, s:O}", "site", moving->site, "policy_version",
                                 json_object_get(moving->body, "version"), "dry_run", 1, "cases", moving->cases));
    else
        printf("%s: %zu open cases would be moved to version %lld, %zu refused; %zu dates would change\n", moving->site,
               json_array_size(moving->cases) - moving->refused, number_at(moving->body, "version"), moving->refused,
               moving->dates);
    return CLI_GOOD;
}

/* ---- after ---- */

/* A page of how far it is; NULL: it could not be had. */
static json_t *state(struct moving *moving, const char *after)
{
    struct cli *cli = moving->cli;
    struct http_reply reply;
    cli_http(
        cli, "GET",
        path_of(moving, arena_printf(&cli->arena, "%s%s", *after && strcmp(after, "0") != 0 ? "?after=" : "", after)),
        NULL, NULL, &reply);
    if (reply.status == 200)
        return reply.json;
    cli_http_fail(cli, &reply);
    return NULL;
}

/* The job moves some cases in every turn, as other work lets it. */
static json_t *await(struct moving *moving)
{
    struct arena_mark mark = arena_mark(&moving->cli->arena);
    for (;;) {
        json_t *now = state(moving, "");
        if (!now || *text_at(now, "ended_at"))
            return now;
        arena_return(&moving->cli->arena, mark);
        cli_progress(false, "%s: %lld moved, %lld refused so far", moving->site, number_at(now, "moved"),
                     number_at(now, "refused"));
        usleep(200000);
    }
}

static bool list_refused(struct moving *moving)
{
    const char *after = "";
    do {
        json_t *now = state(moving, after), *one;
        size_t i;
        if (!now)
            return false;
        json_array_foreach(json_object_get(now, "cases"), i, one) {
            json_array_append(moving->cases, one);
            if (!moving->cli->json)
                print_problems(one);
        }
        after = text_at(now, "next");
    } while (*after && strcmp(after, "0") != 0);
    return true;
}

static int move(struct moving *moving)
{
    struct cli *cli = moving->cli;
    struct http_reply reply;
    cli_http(cli, "POST", path_of(moving, ""), json_incref(moving->body), cli_key_new(cli), &reply);
    if (reply.status != 200)
        return cli_http_fail(cli, &reply);
    json_object_set(moving->body, "version", json_object_get(reply.json, "policy_version"));
    const json_t *end = await(moving);
    if (!end)
        return CLI_FAILED;
    const char *begun = text_at(end, "begun_at");
    json_t *clocks = cli->json ? json_array() : NULL;
    if (!calendar_list_moved(cli, moving->site, begun, clocks) || !list_refused(moving))
        return CLI_FAILED;
    if (cli->json)
        cli_print_json(json_pack("{s:s, s:O, s:I, s:I, s:b, s:o, s:O}", "site", moving->site, "policy_version",
                                 json_object_get(moving->body, "version"), "moved", (json_int_t)number_at(end, "moved"),
                                 "refused", (json_int_t)number_at(end, "refused"), "passed_over",
                                 json_is_true(json_object_get(end, "passed_over")), "clocks", clocks, "cases",
                                 moving->cases));
    else
        printf("%s: %lld open cases moved to version %lld, %lld refused\n", moving->site, number_at(end, "moved"),
               number_at(moving->body, "version"), number_at(end, "refused"));
    if (json_is_true(json_object_get(end, "passed_over"))) {
        cli_fail("%s: the move ended before all cases were looked at: a step of it aborts (the log of casework says "
                 "which). The others go by the version they had; moving again begins with them",
                 moving->site);
        return CLI_FAILED;
    }
    return number_at(end, "refused") ? CLI_DIFFERS : CLI_GOOD;
}

/* ---- what was typed ---- */

static bool add_case(struct moving *moving, const char *name)
{
    struct cli *cli = moving->cli;
    struct http_reply reply;
    cli_http(cli, "GET", arena_printf(&cli->arena, "/api/v1/cases/%s", cli_escape(cli, name)), NULL, NULL, &reply);
    if (reply.status != 200)
        return cli_http_fail(cli, &reply), false;
    json_array_append(json_object_get(moving->body, "cases"), json_object_get(reply.json, "case_id"));
    return true;
}

int policy_move_main(struct cli *cli, int argc, char **argv)
{
    static const struct option known[] = {{"kind", required_argument, NULL, 'k'},
                                          {"case", required_argument, NULL, 'c'},
                                          {"dry-run", no_argument, NULL, 'd'},
                                          {0}};
    struct moving moving = {.cli = cli, .body = json_pack("{s:[], s:[]}", "kinds", "cases"), .cases = json_array()};
    bool dry = false;
    int option;
    while ((option = cli_option(argc, argv, known, NULL)) != -1) {
        if (option == 'k')
            json_array_append_new(json_object_get(moving.body, "kinds"), json_string(optarg));
        else if (option == 'd')
            dry = true;
        else if (option != 'c' || !add_case(&moving, optarg))
            return option == 'c' ? CLI_FAILED : cli_usage(usage);
    }
    if (optind != argc - 1)
        return cli_usage(usage);
    moving.site = argv[optind];
    if (!dry)
        return move(&moving);
    return preview(&moving) ? say_preview(&moving) : CLI_FAILED;
}
