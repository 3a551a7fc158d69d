/* `hearback policy whatif`: what is asked, who is meant, and the way through the past. */
#include "whatif.h"

#include "calendar/calendar.h"
#include "message/message.h"
#include "rehearse.h"
#include "rehearse_scenario.h"

#include <string.h>

#define PROGRESS_EVENTS 256u

static int usage(void)
{
    return cli_usage(
        "hearback policy whatif [--json] [--language zh-CN|en] [--packs FOLDER] [--site SITE] [--logs DIR]\n"
        "                       FOLDER | PACK ... --since DATE\n"
        "  以另一制度重演既往案件：0 无不同，1 有不同，2 无法比较\n"
        "  past cases once more, under another policy from DATE on: 0 no difference, 1 differences, 2 cannot be "
        "compared\n"
        "  --since DATE  2025-03-01 或 \"2025-03-01 09:00\"，站点所在时区 / in the site's time zone\n"
        "  --site SITE   有多个站点发布制度时必须指明 / needed where several sites have a policy\n"
        "  --logs DIR    读取该文件夹中的存储（备份、rehearse --keep）/ the stores of a backup, or of `rehearse "
        "--keep`");
}

/* ---- what is asked ---- */

static bool options_read(struct whatif *whatif, int argc, char **argv, const char **since)
{
    whatif->packs = arena_alloc(&whatif->cli->arena, (size_t)argc * sizeof *whatif->packs);
    for (int i = 1; i < argc; i++) {
        bool more = i + 1 < argc;
        if (strcmp(argv[i], "--since") == 0 && more)
            *since = argv[++i];
        else if (strcmp(argv[i], "--site") == 0 && more)
            whatif->site = argv[++i];
        else if (strcmp(argv[i], "--logs") == 0 && more)
            whatif->logs = argv[++i];
        else if (strcmp(argv[i], "--packs") == 0 && more && !whatif->places.folders_count)
            whatif->places.folders[whatif->places.folders_count++] = argv[++i];
        else if (strcmp(argv[i], "--language") == 0 && more && strcmp(argv[i + 1], "en") == 0)
            whatif->english = argv[++i] != NULL;
        else if (strcmp(argv[i], "--language") == 0 && more && strcmp(argv[i + 1], "zh-CN") == 0)
            i++;
        else if (strncmp(argv[i], "--", 2) == 0)
            return false;
        else
            whatif->packs[whatif->packs_count++] = argv[i];
    }
    whatif->places.folders[whatif->places.folders_count++] = cli_share(whatif->cli, "policies");
    return whatif->packs_count && *since;
}

static bool since_read(struct whatif *whatif, const char *text)
{
    int32_t date;
    unsigned hour = 0, minute = 0;
    int used = 0;
    char day[11] = {0};
    strncpy(day, text, 10);
    const char *rest = strlen(text) > 10 ? text + 10 : "";
    bool timed = *rest && sscanf(rest, " %2u:%2u%n", &hour, &minute, &used) == 2 && !rest[used];
    if (!date_parse(day, &date) || (*rest && !timed) || hour > 24 || minute > 59) {
        cli_fail(whatif->english ? "--since %s: a date is accepted, as 2025-03-01 or \"2025-03-01 09:00\""
                                 : "--since %s：须为日期，如 2025-03-01 或 \"2025-03-01 09:00\"",
                 text);
        return false;
    }
    whatif->since_ms = zone_utc_ms(whatif->zone, (int64_t)date * DAY_MS + hour * HOUR_MS + minute * MINUTE_MS);
    return true;
}

/* ---- the site ---- */

struct sites {
    Directory__Site **list;
    size_t count;
    const char **governed; /* that have a policy */
    size_t governed_count;
    const char **calendars;
    size_t calendars_count;
};

static void note_site(struct whatif *whatif, struct sites *sites, const Directory__Site *site)
{
    Directory__Site *copy = (Directory__Site *)message_copy(&site->base, &whatif->kept);
    for (size_t i = 0; i < sites->count; i++)
        if (strcmp(sites->list[i]->id, site->id) == 0) {
            sites->list[i] = copy;
            return;
        }
    WHATIF_ADD(&whatif->kept, sites->list, sites->count, copy);
}

static bool among(const char *const *list, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(list[i], name) == 0)
            return true;
    return false;
}

/* Directory's log alone, before everything: which sites, policies and calendars there are. */
static bool look(struct whatif *whatif, struct sites *sites)
{
    struct past past;
    const Hb__Event *event;
    bool good = past_open(&past, whatif->cli, whatif->logs, 1u << HB__SERVICE__DIRECTORY);
    while (good && (event = past_next(&past, &good))) {
        const Directory__Event *said = event->directory;
        if (event->payload_case != HB__EVENT__PAYLOAD_DIRECTORY)
            continue;
        if (said->kind_case == DIRECTORY__EVENT__KIND_SITE_DEFINED)
            note_site(whatif, sites, said->site_defined);
        else if (said->kind_case == DIRECTORY__EVENT__KIND_POLICY_PUBLISHED &&
                 !among(sites->governed, sites->governed_count, said->policy_published->site))
            WHATIF_ADD(&whatif->kept, sites->governed, sites->governed_count,
                       arena_strdup(&whatif->kept, said->policy_published->site));
        else if (said->kind_case == DIRECTORY__EVENT__KIND_CALENDAR_DEFINED)
            WHATIF_ADD(&whatif->kept, sites->calendars, sites->calendars_count,
                       arena_strdup(&whatif->kept, said->calendar_defined->name));
    }
    past_close(&past);
    return good;
}

static bool choose_site(struct whatif *whatif, const struct sites *sites)
{
    const char *all = arena_join(&whatif->kept, sites->governed, sites->governed_count, ", ");
    if (!whatif->site && sites->governed_count == 1)
        whatif->site = sites->governed[0];
    if (!whatif->site && sites->governed_count == 0) {
        cli_fail(whatif->english ? "no site has a policy yet: there is nothing to compare with"
                                 : "尚无站点发布制度，无可比较");
        return false;
    }
    if (!whatif->site) {
        cli_fail(whatif->english ? "several sites have a policy: name one with --site (%s)"
                                 : "有多个站点发布制度，请以 --site 指明其一：%s",
                 all);
        return false;
    }
    for (size_t i = 0; i < sites->count; i++)
        if (strcmp(sites->list[i]->id, whatif->site) == 0)
            whatif->about = sites->list[i];
    if (!whatif->about || !among(sites->governed, sites->governed_count, whatif->site)) {
        cli_fail(whatif->english ? "--site %s: there is no such site with a policy; accepted: %s"
                                 : "--site %s：没有该站点或其尚无制度；可用：%s",
                 whatif->site, all);
        return false;
    }
    const char *zone = *whatif->about->zone ? whatif->about->zone : "UTC";
    if (zone_load(NULL, zone, &whatif->zone))
        return cli_fail("there is no time zone %s on this machine", zone), false;
    return true;
}

/* ---- NEW ---- */

static bool want_calendar(struct whatif *whatif, const struct sites *sites, const char *name)
{
    Calendar__Calendar *calendar;
    char *why = "";
    if (!*name || among(sites->calendars, sites->calendars_count, name))
        return true;
    for (size_t i = 0; i < whatif->calendars_count; i++)
        if (strcmp(whatif->calendars[i]->name, name) == 0)
            return true;
    const char *path = arena_printf(&whatif->kept, "%s/%s.json", cli_share(whatif->cli, "calendars"), name);
    if (strchr(name, '/') || calendar_load(path, &whatif->kept, &calendar, &why)) {
        cli_fail(whatif->english
                     ? "the policy counts by the calendar \"%s\", which is not known here, nor is one of that "
                       "name shipped: hearback calendar import"
                     : "制度使用日历“%s”，系统没有该日历，也没有随附的：hearback calendar import",
                 name);
        return false;
    }
    calendar->version = 1;
    WHATIF_ADD(&whatif->kept, whatif->calendars, whatif->calendars_count, calendar);
    return true;
}

static bool want_calendars(struct whatif *whatif, const struct sites *sites)
{
    const Policy__Policy *policy = whatif->fresh;
    bool good = want_calendar(whatif, sites, policy->calendar);
    for (size_t k = 0; k < policy->n_kinds && good; k++)
        for (size_t c = 0; c < policy->kinds[k]->n_clocks && good; c++) {
            const Policy__Clock *clock = policy->kinds[k]->clocks[c];
            good = !clock->options || want_calendar(whatif, sites, clock->options->calendar);
            for (size_t r = 0; r < clock->n_limit && good; r++)
                good = !clock->limit[r]->options || want_calendar(whatif, sites, clock->limit[r]->options->calendar);
        }
    return good;
}

static bool compile(struct whatif *whatif, const struct sites *sites)
{
    Policy__Policy *policy =
        check_compile(&whatif->places, whatif->english, whatif->packs, whatif->packs_count, &whatif->kept);
    if (!policy)
        return false;
    policy->site = arena_strdup(&whatif->kept, whatif->site);
    whatif->fresh = policy;
    whatif->fresh_packed = message_pack(&policy->base, &whatif->kept);
    return want_calendars(whatif, sites);
}

/* ---- the way ---- */

static bool open_lives(struct whatif *whatif, int64_t start_ms)
{
    for (unsigned i = 0; i < LIVES; i++)
        if (!whatif->lives[i].simulation && !life_open(&whatif->lives[i], whatif, i, start_ms))
            return false;
    return true;
}

static bool live(struct whatif *whatif)
{
    struct past past;
    const Hb__Event *event;
    bool good = past_open(&past, whatif->cli, whatif->logs,
                          1u << HB__SERVICE__DIRECTORY | 1u << HB__SERVICE__INTAKE | 1u << HB__SERVICE__CASEWORK);
    if (good && whatif->since_ms > past.end_ms) {
        cli_fail(whatif->english ? "--since: the past ends before that day" : "--since：晚于已有记录");
        good = false;
    }
    while (good && (event = past_next(&past, &good))) {
        good = open_lives(whatif, event->recorded_ms - MINUTE_MS);
        if (good)
            relive(whatif, event);
        if (past.events % PROGRESS_EVENTS == 0)
            cli_progress(false, "whatif: %llu / %llu", (unsigned long long)past.events, (unsigned long long)past.total);
    }
    if (good && !whatif->turned)
        relive_turn(whatif);
    for (unsigned i = 0; good && i < LIVES; i++) {
        cli_progress(false, "whatif: %s", whatif->english ? "until now" : "至今");
        life_run(&whatif->lives[i], past.end_ms);
        life_collect(&whatif->lives[i]);
    }
    if (good)
        cli_progress(true, "whatif: %llu / %llu", (unsigned long long)past.events, (unsigned long long)past.total);
    past_close(&past);
    return good;
}

static void whatif_free(struct whatif *whatif)
{
    for (unsigned i = 0; i < LIVES; i++)
        if (whatif->lives[i].whatif)
            life_close(&whatif->lives[i]);
    map_free(&whatif->parts);
    map_free(&whatif->past_cases);
    map_free(&whatif->past_opened);
    map_free(&whatif->keys);
    map_free(&whatif->accounts);
    zone_free(whatif->zone);
    arena_fini(&whatif->kept);
}

int whatif_main(struct cli *cli, int argc, char **argv)
{
    struct whatif whatif = {.cli = cli};
    struct sites sites = {0};
    const char *since = NULL;
    int code = CLI_USAGE;
    if (!options_read(&whatif, argc, argv, &since))
        return usage();
    arena_init(&whatif.kept);
    if (look(&whatif, &sites) && choose_site(&whatif, &sites) && since_read(&whatif, since) &&
        compile(&whatif, &sites) && live(&whatif))
        code = whatif_report(&whatif) ? CLI_FAILED : CLI_GOOD;
    whatif_free(&whatif);
    return code;
}
