#include "verify.h"

#include "config/config.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static const struct {
    const char *name, *text;
} advices[] = {
    [ADVICE_RESTORE] = {"restore",
                        "stop the system, keep its folder as it is, and restore the newest backup that verifies "
                        "(hearback restore)"},
    [ADVICE_REPORT] = {"report",
                       "this must not happen: keep the folder and the log files, and report it; the case can be looked "
                       "at with `hearback case show`"},
    [ADVICE_WAIT] = {"wait", "verify again in five minutes; if it stays, `hearback status` and the service's log file "
                             "say what is missing"},
    [ADVICE_SERVICE] = {"service", "the service's log file says why; verify again when it is ready"},
};

/* ---- findings ---- */

static unsigned told_of(const struct verify *verify, const char *code)
{
    unsigned count = 0;
    const json_t *finding;
    size_t i;
    json_array_foreach(verify->findings, i, finding)
        count += strcmp(json_string_value(json_object_get(finding, "code")), code) == 0;
    return count;
}

static void tell(struct verify *verify, const struct reader *reader, uint64_t offset, const char *code,
                 enum advice advice, const char *what)
{
    verify->findings_count++;
    if (told_of(verify, code) >= VERIFY_SHOWN_MAX)
        return;
    json_array_append_new(verify->findings, json_pack("{s:s, s:I, s:s, s:s, s:s, s:s}", "log", reader->name, "offset",
                                                      (json_int_t)offset, "code", code, "what", what, "advice",
                                                      advices[advice].name, "advice_text", advices[advice].text));
}

void verify_find(struct verify *verify, const struct reader *reader, uint64_t offset, const char *code,
                 enum advice advice, const char *format, ...)
{
    va_list list;
    char *what = NULL;
    va_start(list, format);
    if (vasprintf(&what, format, list) >= 0) {
        tell(verify, reader, offset, code, advice, what);
        free(what);
    }
    va_end(list);
}

/* ---- logs ---- */

struct reader *verify_reader(struct verify *verify, Hb__Service service, uint32_t partition)
{
    for (size_t i = 0; i < verify->readers_count; i++)
        if (verify->readers[i].instance->service == service && verify->readers[i].instance->partition == partition)
            return &verify->readers[i];
    return NULL;
}

/* An offset stays the same from one epoch of a log to the next. */
uint64_t verify_position(const Hb__Position *position)
{
    const Hb__LogId *log = position->log;
    const uint64_t numbers[] = {log ? log->cell : 0, log ? (uint64_t)log->service : 0, log ? log->partition : 0,
                                position->offset};
    return identity_of("position", NULL, 0, numbers, sizeof numbers / sizeof *numbers);
}

uint64_t verify_heard(const struct verify *verify, const struct reader *reader, Hb__Service service, uint32_t partition)
{
    uint64_t most = 0;
    for (size_t i = 0; i < reader->cursors_count; i++) {
        const Hb__LogId *log = reader->cursors[i]->log;
        uint64_t shared =
            log->service == service ? config_shared(verify->cli->config, service, log->partition, partition) : 0;
        uint64_t heard = reader->cursors[i]->offset < shared ? reader->cursors[i]->offset : shared;
        most = heard > most ? heard : most;
    }
    return most;
}

static int by_service(const void *a, const void *b)
{
    const struct reader *x = a, *y = b;
    if (x->instance->service != y->instance->service)
        return x->instance->service < y->instance->service ? -1 : 1;
    return x->instance->partition < y->instance->partition ? -1 : 1;
}

static void add_readers(struct verify *verify)
{
    const Config__Config *config = verify->cli->config;
    for (size_t i = 0; i < config->n_instances && verify->readers_count < VERIFY_LOGS_MAX; i++) {
        const Config__Instance *instance = config->instances[i];
        if (!cli_is_service(instance))
            continue;
        struct reader *reader = &verify->readers[verify->readers_count++];
        *reader = (struct reader){.instance = instance};
        reader->name =
            arena_printf(&verify->kept, "%s-%" PRIu32, config_service_name(instance->service), instance->partition);
    }
    qsort(verify->readers, verify->readers_count, sizeof *verify->readers, by_service);
}

static bool read_all(struct verify *verify)
{
    for (size_t i = 0; i < verify->readers_count; i++) {
        struct reader *reader = &verify->readers[i];
        if (!verify_ask_position(verify, reader) || !verify_read(verify, reader))
            return false;
        map_free(&reader->causes);
    }
    return true;
}

/* ---- what each service says of itself ---- */

static void pause_s(void)
{
    nanosleep(&(struct timespec){1, 0}, NULL);
}

/* A line is a finding; those that begin with an offset name it. */
static void take_findings(struct verify *verify, const struct reader *reader, const char *text)
{
    while (*text) {
        size_t size = strcspn(text, "\n");
        if (size)
            verify_find(verify, reader, 0, "service", ADVICE_RESTORE, "%.*s", (int)size, text);
        text += size + (text[size] == '\n');
    }
}

/* It looks at its own log, cursors and tables beside its other work, and is asked again until it has an answer. */
static bool ask_service(struct verify *verify, const struct reader *reader)
{
    Bus__Request request = BUS__REQUEST__INIT;
    Bus__Control control = BUS__CONTROL__INIT;
    request.kind_case = BUS__REQUEST__KIND_CONTROL;
    request.control = &control;
    control.what = BUS__CONTROL__WHAT__VERIFY;
    for (;;) {
        struct arena_mark mark = arena_mark(&verify->cli->arena);
        cli_progress(false, "verify: %s looks at itself", reader->name);
        const Bus__Reply *reply = verify_ask(verify, reader, &request);
        if (!reply)
            return false;
        if (reply->kind_case == BUS__REPLY__KIND_CONTROL) {
            take_findings(verify, reader, reply->control->text);
            arena_return(&verify->cli->arena, mark);
            return true;
        }
        const Hb__Refusal *refused = reply->kind_case == BUS__REPLY__KIND_REFUSED ? reply->refused : NULL;
        if (!refused || strcmp(refused->code, "verifying") != 0)
            return cli_fail("%s: %s", reader->name,
                            refused && refused->text ? refused->text->en
                                                     : "does not answer; `hearback status` says more"),
                   false;
        cli_progress(false, "verify: %s: %s", reader->name, refused->text ? refused->text->en : "");
        arena_return(&verify->cli->arena, mark);
        pause_s();
    }
}

static bool ask_services(struct verify *verify)
{
    for (size_t i = 0; i < verify->readers_count; i++)
        if (!ask_service(verify, &verify->readers[i]))
            return false;
    return true;
}

/* ---- the report ---- */

static json_t *skipped_json(const struct verify *verify)
{
    json_t *list = json_array();
    for (size_t i = 0; i < verify->skipped_count; i++) {
        const struct skipped *one = &verify->skipped[i];
        json_array_append_new(list,
                              json_pack("{s:s, s:s, s:I, s:I, s:s}", "site", one->site, "counter", one->counter, "from",
                                        (json_int_t)one->from, "to", (json_int_t)one->to, "reason", one->reason));
    }
    return list;
}

static void print_findings(const struct verify *verify)
{
    const json_t *finding;
    size_t i;
    json_array_foreach(verify->findings, i, finding) {
        json_int_t offset = json_integer_value(json_object_get(finding, "offset"));
        printf("%s", json_string_value(json_object_get(finding, "log")));
        if (offset)
            printf(" offset %" JSON_INTEGER_FORMAT, offset);
        printf(": %s\n  %s\n", json_string_value(json_object_get(finding, "what")),
               json_string_value(json_object_get(finding, "advice_text")));
    }
}

static int report(struct verify *verify)
{
    unsigned more = verify->findings_count - (unsigned)json_array_size(verify->findings);
    if (verify->cli->json) {
        cli_print_json(json_pack("{s:b, s:I, s:I, s:I, s:O, s:o}", "sound", verify->findings_count == 0, "events",
                                 (json_int_t)verify->events, "cases", (json_int_t)verify->cases.count, "findings_count",
                                 (json_int_t)verify->findings_count, "findings", verify->findings, "numbers_skipped",
                                 skipped_json(verify)));
        return verify->findings_count ? CLI_FAILED : CLI_GOOD;
    }
    print_findings(verify);
    for (size_t i = 0; i < verify->skipped_count; i++) {
        const struct skipped *one = &verify->skipped[i];
        printf("numbers left out (%s): %s of site %s, %" PRIu64 " to %" PRIu64 "\n", one->reason, one->counter,
               one->site, one->from, one->to);
    }
    if (more)
        printf("and %u more of the same kinds\n", more);
    printf("%zu logs, %" PRIu64 " events, %zu cases: %s", verify->readers_count, verify->events, verify->cases.count,
           verify->findings_count ? "" : "sound\n");
    if (verify->findings_count)
        printf("%u findings\n", verify->findings_count);
    return verify->findings_count ? CLI_FAILED : CLI_GOOD;
}

int cli_verify(struct cli *cli, int argc, char **argv)
{
    (void)argv;
    static struct verify verify;
    if (argc != 1)
        return cli_usage("hearback verify [--json]\n"
                         "  checks the hash chain of every log of the running system, each service's state against a\n"
                         "  fresh fold, and that the logs agree with each other; exit code 1 when anything is found");
    if (!cli_config(cli))
        return CLI_FAILED;
    verify.cli = cli;
    verify.findings = json_array();
    arena_init(&verify.batch);
    arena_init(&verify.kept);
    add_readers(&verify);
    if (!read_all(&verify) || !verify_across(&verify) || !ask_services(&verify))
        return CLI_FAILED;
    cli_progress(true, "verify: %" PRIu64 " events read", verify.events);
    return report(&verify);
}
