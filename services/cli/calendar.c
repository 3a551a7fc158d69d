/* `hearback calendar`: a year of holidays comes into a running system. Open clocks are judged anew; what was moved by
   it, or is no longer provisional, is listed. */
#include "cli.h"
#include "rehearse.h"

#include <getopt.h>
#include <string.h>
#include <unistd.h>

static const char usage[] = "hearback calendar list\n"
                            "hearback calendar import FILE.json [--calendar NAME] [--replace]\n"
                            "  FILE.json   a year as github.com/NateScarlet/holiday-cn publishes it\n"
                            "  --calendar  which one it comes into (default: cn)\n"
                            "  --replace   also when that year is published already, with other days";

static const char *text_at(const json_t *json, const char *name)
{
    const char *text = json_string_value(json_object_get(json, name));
    return text ? text : "";
}

static json_t *organisation(struct cli *cli)
{
    struct http_reply reply;
    cli_http(cli, "GET", "/api/v1/organisation", NULL, NULL, &reply);
    if (reply.status == 200)
        return reply.json;
    cli_http_fail(cli, &reply);
    return NULL;
}

/* ---- list ---- */

static void print_years(const json_t *years)
{
    json_int_t first = 0, last = 0;
    const json_t *year;
    size_t i;
    json_array_foreach(years, i, year) {
        json_int_t one = json_integer_value(year);
        if (last && one == last + 1) {
            last = one;
            continue;
        }
        if (last > first)
            printf("-%lld", (long long)last);
        printf(" %lld", (long long)one);
        first = last = one;
    }
    if (last > first)
        printf("-%lld", (long long)last);
}

static int list(struct cli *cli)
{
    const json_t *all = organisation(cli), *calendars = json_object_get(all, "calendars"), *one;
    size_t i;
    if (!all)
        return CLI_FAILED;
    if (cli->json) {
        cli_print_json(json_pack("{s:O}", "calendars", calendars));
        return CLI_GOOD;
    }
    json_array_foreach(calendars, i, one) {
        printf("%-16s version %lld, %s:", text_at(one, "name"),
               (long long)json_integer_value(json_object_get(one, "version")), text_at(one, "zone"));
        if (json_is_true(json_object_get(one, "no_holidays")))
            printf(" no holidays");
        print_years(json_object_get(one, "years"));
        putchar('\n');
    }
    return CLI_GOOD;
}

/* ---- what was moved ---- */

struct moved {
    struct cli *cli;
    json_t *list;
    size_t settled; /* no longer provisional */
};

static const char *number_of(struct cli *cli, const char *site, const char *case_id)
{
    struct http_reply reply;
    cli_http(cli, "GET", arena_printf(&cli->arena, "/api/v1/cases?site=%s&case_id=%s", cli_escape(cli, site), case_id),
             NULL, NULL, &reply);
    return text_at(json_array_get(json_object_get(reply.json, "rows"), 0), "number");
}

static void take(struct moved *moved, const char *site, json_t *clock)
{
    struct cli *cli = moved->cli;
    const json_t *instance = json_object_get(clock, "instance");
    const char *number = number_of(cli, site, text_at(clock, "case_id"));
    bool was = json_is_true(json_object_get(clock, "was_provisional")),
         is = json_is_true(json_object_get(clock, "provisional"));
    moved->settled += was && !is;
    json_object_set_new(clock, "site", json_string(site));
    json_object_set_new(clock, "number", json_string(number));
    json_array_append(moved->list, clock);
    if (!cli->json)
        printf("%-24s %-12s %-8s %s%s -> %s%s\n", number, text_at(instance, "clock"), text_at(clock, "what"),
               text_at(clock, "moved_from"), was ? " (provisional)" : "", text_at(clock, "due_at"),
               is ? " (provisional)" : "");
}

/* One page; false: it could not be had. */
static bool page(struct moved *moved, const char *site, const char *since, const char *after, json_t **page_out)
{
    struct cli *cli = moved->cli;
    struct http_reply reply;
    cli_http(cli, "GET",
             arena_printf(&cli->arena, "/api/v1/calendars/moved?site=%s&since=%s%s%s", cli_escape(cli, site),
                          cli_escape(cli, since), *after ? "&after=" : "", after),
             NULL, NULL, &reply);
    *page_out = reply.json;
    return reply.status == 200 || (cli_http_fail(cli, &reply), false);
}

/* The services look at their cases one by one, as fast as other work lets them. */
static bool await(struct moved *moved, const char *site, const char *since)
{
    json_t *first;
    struct arena_mark mark = arena_mark(&moved->cli->arena);
    for (;;) {
        bool good = page(moved, site, since, "", &first), counting = json_is_true(json_object_get(first, "counting"));
        arena_return(&moved->cli->arena, mark);
        if (!good || !counting)
            return good;
        cli_progress(false, "%s: open clocks are being looked at", site);
        usleep(200000);
    }
}

static bool list_site(struct moved *moved, const char *site, const char *since)
{
    const char *after = "";
    if (!await(moved, site, since))
        return false;
    do {
        json_t *got, *clock;
        size_t i;
        if (!page(moved, site, since, after, &got))
            return false;
        json_array_foreach(json_object_get(got, "clocks"), i, clock)
            take(moved, site, clock);
        after = text_at(got, "next");
    } while (*after && strcmp(after, "0") != 0);
    return true;
}

bool calendar_list_moved(struct cli *cli, const char *site, const char *since, json_t *list)
{
    struct moved moved = {.cli = cli, .list = list ? list : json_array()};
    bool good = list_site(&moved, site, since);
    if (!list)
        json_decref(moved.list);
    return good;
}

static bool list_moved(struct moved *moved, const char *since)
{
    const json_t *all = organisation(moved->cli), *site;
    size_t i;
    json_array_foreach(json_object_get(all, "sites"), i, site)
        if (!list_site(moved, text_at(site, "id"), since))
            return false;
    return all != NULL;
}

/* ---- import ---- */

static int say_published(struct cli *cli, json_t *year)
{
    struct moved moved = {.cli = cli, .list = json_array()};
    bool unchanged = json_is_true(json_object_get(year, "unchanged"));
    long long number = json_integer_value(json_object_get(year, "year"));
    if (!cli->json)
        printf(unchanged ? "%s: %lld is published so already\n" : "%s: %lld is published\n", text_at(year, "calendar"),
               number);
    bool good = unchanged || list_moved(&moved, text_at(year, "recorded_at"));
    if (cli->json) {
        json_object_set_new(year, "moved", moved.list);
        cli_print_json(json_incref(year));
    } else if (good && !unchanged) {
        printf("%zu open clocks moved or settled, %zu of them no longer provisional\n", json_array_size(moved.list),
               moved.settled);
    }
    return good ? CLI_GOOD : CLI_FAILED;
}

static int import(struct cli *cli, int argc, char **argv)
{
    static const struct option known[] = {
        {"calendar", required_argument, NULL, 'c'}, {"replace", no_argument, NULL, 'r'}, {0}};
    const char *calendar = "cn";
    bool replace = false;
    int option;
    while ((option = cli_option(argc, argv, known, NULL)) == 'c' || option == 'r') {
        replace = replace || option == 'r';
        calendar = option == 'c' ? optarg : calendar;
    }
    if (option != -1 || optind != argc - 1)
        return cli_usage(usage);
    struct bytes text;
    struct http_reply reply;
    json_error_t error;
    if (!cli_read(cli, argv[optind], &text))
        return cli_fail("%s cannot be read", argv[optind]);
    json_t *file = json_loadb((const char *)text.data, text.size, JSON_REJECT_DUPLICATES, &error);
    if (!file)
        return cli_fail(
            "%s:%d: %s; a year of holiday-cn is accepted: {\"year\": 2027, \"days\": [{\"date\", \"isOffDay\", "
            "\"name\"}]}",
            argv[optind], error.line, error.text);
    cli_http(cli, "POST",
             arena_printf(&cli->arena, "/api/v1/calendars/%s/years%s", cli_escape(cli, calendar),
                          replace ? "?replace=true" : ""),
             file, cli_key_new(cli), &reply);
    return reply.status == 200 ? say_published(cli, reply.json) : cli_http_fail(cli, &reply);
}

int cli_calendar(struct cli *cli, int argc, char **argv)
{
    if (argc == 2 && strcmp(argv[1], "list") == 0)
        return list(cli);
    if (argc > 2 && strcmp(argv[1], "import") == 0)
        return import(cli, argc - 1, argv + 1);
    return cli_usage(usage);
}
