/* `hearback wait ready|settled`: until every service answers, or until everything caused so far has been carried out.
 */
#include "cli.h"

#include "base/number.h"
#include "config/config.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define ASK_MS 1000u
#define TELL_S 10
#define TIMEOUT_S_MAX 1000000000u

struct looked {
    const Bus__PositionReport *reports[CONFIG_INSTANCES_MAX];
    size_t count;
    const char *behind; /* the first that is not there yet, NULL when all are */
};

static void pause_ms(long ms)
{
    struct timespec span = {ms / 1000, ms % 1000 * 1000000};
    nanosleep(&span, NULL);
}

/* Effects that were tried before and wait for their retry, and clocks due later, are nothing to wait for. */
static bool at_rest(const Bus__PositionReport *report)
{
    return report->waiting == 0 && report->jobs == 0 && report->timers_due == 0 && report->effects_due == 0 &&
           report->parked == 0;
}

static uint64_t end_of(const struct looked *looked, const Hb__LogId *log)
{
    for (size_t i = 0; i < looked->count; i++)
        if (looked->reports[i]->log->service == log->service && looked->reports[i]->log->partition == log->partition)
            return looked->reports[i]->end;
    return 0;
}

static bool heard_all(const struct looked *looked, const Bus__PositionReport *report)
{
    for (size_t i = 0; i < report->n_cursors; i++)
        if (report->cursors[i]->offset < end_of(looked, report->cursors[i]->log))
            return false;
    return true;
}

static void look(struct cli *cli, bool settled, struct looked *looked)
{
    const Config__Config *config = cli->config;
    *looked = (struct looked){0};
    for (size_t i = 0; i < config->n_instances && !looked->behind; i++) {
        if (!cli_is_service(config->instances[i]))
            continue;
        const Bus__ControlReply *reply =
            cli_control(cli, config->instances[i], BUS__CONTROL__WHAT__POSITION, NULL, ASK_MS);
        const char *name = cli_instance_name(cli, config->instances[i]);
        if (!reply || !reply->position || strcmp(reply->position->health, "ready") != 0 ||
            (settled && !at_rest(reply->position)))
            looked->behind = name;
        else
            looked->reports[looked->count++] = reply->position;
    }
    for (size_t i = 0; settled && i < looked->count && !looked->behind; i++)
        if (!heard_all(looked, looked->reports[i]))
            looked->behind = config_service_name(looked->reports[i]->log->service);
}

/* Nothing was said between two looks: what one look shows was so at one instant. */
static bool same_ends(const struct looked *before, const struct looked *after)
{
    for (size_t i = 0; i < after->count; i++)
        if (before->count != after->count || before->reports[i]->end != after->reports[i]->end)
            return false;
    return before->count > 0;
}

static bool gateway_ready(struct cli *cli)
{
    struct http_reply reply;
    cli_http(cli, "GET", "/readyz", NULL, NULL, &reply);
    return reply.status == 200;
}

/* On a terminal in place; in a log a line now and then. */
static void tell(const char *whom, time_t *told)
{
    bool line = !isatty(STDERR_FILENO) && time(NULL) >= *told + TELL_S;
    if (line)
        *told = time(NULL);
    cli_progress(line, "waiting for %s ...", whom);
}

static int wait_for(struct cli *cli, bool settled, int64_t timeout_s)
{
    struct looked before = {0}, now;
    time_t began = time(NULL), told = began;
    for (;;) {
        struct arena_mark mark = arena_mark(&cli->arena);
        look(cli, settled, &now);
        if (!now.behind && (!settled || same_ends(&before, &now)) && (settled || gateway_ready(cli))) {
            cli_progress_clear();
            return CLI_GOOD;
        }
        if (timeout_s && time(NULL) >= began + timeout_s)
            return cli_fail("not %s within %lld s: %s", settled ? "settled" : "ready", (long long)timeout_s,
                            now.behind ? now.behind : "gateway");
        tell(now.behind ? now.behind : settled ? "all to rest" : "gateway", &told);
        if (now.behind) {
            before = (struct looked){0};
            arena_return(&cli->arena, mark);
        } else {
            before = now; /* its reports stay in the arena until the next look has been compared */
        }
        pause_ms(settled ? 100 : 50);
    }
}

int cli_wait(struct cli *cli, int argc, char **argv)
{
    bool settled = argc > 1 && strcmp(argv[1], "settled") == 0, ready = argc > 1 && strcmp(argv[1], "ready") == 0;
    uint64_t timeout_s = 60;
    bool timed = argc == 4 && strcmp(argv[2], "--timeout") == 0 && number_read(argv[3], TIMEOUT_S_MAX, &timeout_s);
    if (argc != 2 && !timed)
        ready = settled = false;
    if (!ready && !settled)
        return cli_usage("hearback wait ready|settled [--timeout SECONDS]\n"
                         "  --timeout SECONDS  (default 60) then it gives up; 0: never");
    return cli_config(cli) ? wait_for(cli, settled, (int64_t)timeout_s) : CLI_FAILED;
}
