/* What must be asked once all logs are read: figures, ends, what waits. */
#include "verify.h"

#include "config/config.h"

#include <inttypes.h>
#include <string.h>
#include <time.h>

#define WAITING_MS 10000

static int64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void pause_ms(long ms)
{
    struct timespec span = {ms / 1000, ms % 1000 * 1000000};
    nanosleep(&span, NULL);
}

/* ---- ends ---- */

static const Bus__PositionReport *ask(struct verify *verify, const struct reader *reader)
{
    Bus__Request request = BUS__REQUEST__INIT;
    Bus__Control control = BUS__CONTROL__INIT;
    request.kind_case = BUS__REQUEST__KIND_CONTROL;
    request.control = &control;
    control.what = BUS__CONTROL__WHAT__POSITION;
    const Bus__Reply *reply = verify_ask(verify, reader, &request);
    const Bus__PositionReport *report =
        reply && reply->kind_case == BUS__REPLY__KIND_CONTROL ? reply->control->position : NULL;
    if (reply && !report)
        cli_fail("%s does not say where its log ends", reader->name);
    return report;
}

static bool ask_ends(struct verify *verify)
{
    for (size_t i = 0; i < verify->readers_count; i++) {
        const Bus__PositionReport *report = ask(verify, &verify->readers[i]);
        if (!report)
            return false;
        verify->readers[i].final_end = report->end;
    }
    return true;
}

/* ---- analytics ---- */

/* How many cases of a site intake has registered up to an offset. */
static uint64_t cases_of(const struct verify *verify, const struct reader *intake, uint64_t site, uint64_t offset)
{
    uint64_t count = 0;
    for (size_t i = 0; i < verify->cases.room; i++) {
        const struct slot *slot = &verify->cases.slots[i];
        count += verify_case_of(verify, slot, intake) && slot->a <= offset &&
                 (slot->c >> CASE_SITE_SHIFT & VERIFY_SITES_MAX) == site;
    }
    return count;
}

static bool ask_registered(struct verify *verify, const struct reader *analytics, const char *site, uint64_t *count_out)
{
    Bus__Request request = BUS__REQUEST__INIT;
    Hb__Query query = HB__QUERY__INIT;
    Analytics__Query asked = ANALYTICS__QUERY__INIT;
    Analytics__GetKpi kpi = ANALYTICS__GET_KPI__INIT;
    request.kind_case = BUS__REQUEST__KIND_QUERY;
    request.query = &query;
    query.site = (char *)(uintptr_t)site;
    query.payload_case = HB__QUERY__PAYLOAD_ANALYTICS;
    query.analytics = &asked;
    asked.kind_case = ANALYTICS__QUERY__KIND_KPI;
    asked.kpi = &kpi;
    const Bus__Reply *reply = verify_ask(verify, analytics, &request);
    bool good = reply && reply->kind_case == BUS__REPLY__KIND_QUERY && !reply->query->refused &&
                reply->query->payload_case == HB__QUERY_REPLY__PAYLOAD_ANALYTICS &&
                reply->query->analytics->kind_case == ANALYTICS__REPLY__KIND_KPI;
    *count_out = good ? reply->query->analytics->kpi->total->registered : 0;
    return good || (cli_fail("%s does not tell its figures of site %s", analytics->name, site), false);
}

/* Registered cases of a site, as far as intake's logs had been heard when `report` was given. Prefers to read more of
   them over counting less. */
static bool count_heard(struct verify *verify, const Bus__PositionReport *report, size_t site, uint64_t *count_out)
{
    struct reader heard = {.cursors_count = report->n_cursors};
    bug_unless(report->n_cursors <= VERIFY_LOGS_MAX);
    for (size_t i = 0; i < report->n_cursors; i++)
        heard.cursors[i] = report->cursors[i];
    *count_out = 0;
    for (struct reader *intake = NULL; (intake = verify_next_of(verify, HB__SERVICE__INTAKE, intake));) {
        uint64_t cursor = verify_heard(verify, &heard, HB__SERVICE__INTAKE, intake->instance->partition);
        intake->end = cursor > intake->end ? cursor : intake->end;
        if (!verify_read(verify, intake))
            return false;
        *count_out += cases_of(verify, intake, site, cursor);
    }
    return true;
}

/* Figures of a site are those of the one partition of analytics that has it, and lie between those of the moments
   before and after they were asked for. */
static bool check_figures(struct verify *verify, size_t site)
{
    uint64_t count, least, most;
    const Config__Instance *has =
        config_instance_of_bucket(verify->cli->config, HB__SERVICE__ANALYTICS, verify->site_buckets[site]);
    struct reader *analytics = has ? verify_reader(verify, HB__SERVICE__ANALYTICS, has->partition) : NULL;
    if (!analytics)
        return true;
    const Bus__PositionReport *before = ask(verify, analytics);
    if (!before || !ask_registered(verify, analytics, verify->sites[site], &count))
        return false;
    const Bus__PositionReport *after = ask(verify, analytics);
    if (!after || !count_heard(verify, before, site, &least) || !count_heard(verify, after, site, &most))
        return false;
    if ((count < least && !after->waiting) || count > most)
        verify_find(verify, analytics, 0, "figures", ADVICE_REPORT,
                    "site %s: it counts %" PRIu64 " registered cases, intake's log has %" PRIu64, verify->sites[site],
                    count, count < least ? least : most);
    return true;
}

/* ---- what waits ---- */

static bool check_waiting(struct verify *verify, struct reader *reader)
{
    int64_t until = now_ms() + WAITING_MS;
    for (;;) {
        const Bus__PositionReport *report = ask(verify, reader);
        if (!report)
            return false;
        if (report->waiting && now_ms() < until) {
            pause_ms(200);
            continue;
        }
        if (report->waiting)
            verify_find(
                verify, reader, 0, "waiting", ADVICE_WAIT,
                "%" PRIu64
                " events wait for a case, site or policy that is not known here, or were set aside because they made "
                "the service fail (hearback release)",
                report->waiting);
        if (strcmp(report->health, "ready") != 0)
            verify_find(verify, reader, 0, "health", ADVICE_SERVICE, "it is not ready: %s", report->health);
        return true;
    }
}

bool verify_across(struct verify *verify)
{
    struct reader *intake;
    for (size_t site = 0; site < verify->sites_count; site++)
        if (!check_figures(verify, site))
            return false;
    if (!ask_ends(verify))
        return false;
    for (intake = NULL; (intake = verify_next_of(verify, HB__SERVICE__INTAKE, intake));) {
        intake->end = intake->final_end; /* what came while the others were read */
        if (!verify_read(verify, intake))
            return false;
    }
    verify_compare(verify);
    for (size_t i = 0; i < verify->readers_count; i++)
        if (!check_waiting(verify, &verify->readers[i]))
            return false;
    return true;
}
