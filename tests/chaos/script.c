/* script FOLDER LEDGER [check|verify|read|open|files|until N|branches]: 300 commands against all services in one
   process, each under an id of its own, with a store that syncs: cases are submitted, each thirtieth command imports
   one of an old system whose dates are over (so that dates are missed, ladders climbed and mails sent), and four steps
   are taken on each. LEDGER gets a line for every command and what it was answered. Run again on the same folder it
   goes on where the ledger ends: what got no answer is sent again under its id. `nth.py` lets one call of the system
   fail in the middle of it.

   Ends with 0 when all 300 were accepted, all has come to rest and, with `check`, the invariants of the simulation
   hold; 4: a command was refused for a virtual minute, or had no answer: that one is no word why. With `verify` only
   that is asked, of each service; 7: something was found. With `read` every case is looked at, as a client would; with
   `open` what is sealed in it. With `files` three of the cases get a file, and a fourth file is never attached. With
   `until N` it ends after so many. With `branches` each call can be tried from the command before it (branch.h). */
#include "branch.h"
#include "group.h"
#include "read.h"

#include <fcntl.h>
#include <inttypes.h>
#include <jansson.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define START_MS 1741572000000ll /* a Monday, 10:00 in Shanghai */
#define HOUR_MS 3600000ll
#define DAY_MS (24 * HOUR_MS)
#define LATER_MS 60000ll /* a start after another: past all that was recorded */
#define COMMANDS 300u
#define IMPORT_EACH 30u /* command is an import */
#define CASES 58u       /* of the others: submit and four steps of each */
#define TRIES 20u

struct told {
    uint64_t case_id, version;
    char number[64];
    bool answered;
};

struct script {
    struct group group;
    struct told told[COMMANDS];
    int64_t latest_ms;
    bool founded;
    int ledger;
};

/* ---- what is drawn: the same in the same start, so that what went the same way so far goes on the same way ---- */

static struct {
    int64_t start_ms;
    uint64_t count;
} drawn;

static void draw(void *out, size_t size)
{
    uint8_t seed[randombytes_SEEDBYTES] = {0};
    drawn.count++;
    memcpy(seed, &drawn, sizeof drawn);
    randombytes_buf_deterministic(out, size, seed);
}

static uint32_t draw_number(void)
{
    uint32_t number;
    draw(&number, sizeof number);
    return number;
}

static const char *name_of_drawing(void)
{
    return "script";
}

static void draw_from(int64_t start_ms)
{
    static struct randombytes_implementation drawing = {
        .implementation_name = name_of_drawing, .random = draw_number, .buf = draw};
    drawn.start_ms = start_ms;
    json_object_seed(7);
    if (randombytes_set_implementation(&drawing))
        _exit(5);
}

/* ---- commands ---- */

/* By the bare call: what is noted is no part of the script, and its failing neither. */
static void note(const struct script *script, const char *text)
{
    if (syscall(SYS_write, script->ledger, text, strlen(text)) != (long)strlen(text))
        _exit(5);
}

static void read_ledger(struct script *script, const char *path)
{
    char line[256];
    unsigned n;
    struct told told;
    FILE *file = fopen(path, "r");
    while (file && fgets(line, sizeof line, file)) {
        script->founded |= strcmp(line, "founded\n") == 0;
        sscanf(line, "started %" SCNd64, &script->latest_ms);
        if (sscanf(line, "ok %u %" SCNu64 " %" SCNu64 " %63s", &n, &told.case_id, &told.version, told.number) < 4)
            continue;
        told.answered = true;
        if (n < COMMANDS)
            script->told[n] = told;
    }
    if (file)
        fclose(file);
    script->ledger = (int)syscall(SYS_openat, AT_FDCWD, path, O_WRONLY | O_CREAT | O_APPEND, 0600);
}

static bool is_import(unsigned n)
{
    return n % IMPORT_EACH == IMPORT_EACH - 1;
}

/* Its number among those that are none; and back. */
static unsigned among_others(unsigned n)
{
    return n - n / IMPORT_EACH;
}

static unsigned command_of(unsigned other)
{
    return other + other / (IMPORT_EACH - 1);
}

static bool registers(unsigned n)
{
    return is_import(n) || among_others(n) < CASES;
}

#define NEW(script, type, init)                                                                                        \
    ({                                                                                                                 \
        type *made_ = arena_alloc(&(script)->group.arena, sizeof(type));                                               \
        init(made_);                                                                                                   \
        made_;                                                                                                         \
    })

static void add_step(struct script *script, Intake__History *history, const char *name, int64_t occurred_ms)
{
    Intake__HistoricStep *step = NEW(script, Intake__HistoricStep, intake__historic_step__init);
    step->step = arena_strdup(&script->group.arena, name);
    step->occurred_ms = occurred_ms;
    history->steps = arena_grow(&script->group.arena, history->steps, history->n_steps, sizeof(Intake__HistoricStep *));
    history->steps[history->n_steps++] = step;
}

/* A case of the evening before, accepted in the morning and never answered. */
static void fill_import(struct script *script, unsigned n, Hb__Command *command)
{
    struct arena *arena = &script->group.arena;
    Intake__Import *import = NEW(script, Intake__Import, intake__import__init);
    group_submit_fill(&script->group, command, "complaint", "service", "旧系统记录", NULL);
    import->submit = command->intake->submit;
    import->received_ms = START_MS - 14 * HOUR_MS - n * DAY_MS / 10;
    import->source = arena_strdup(arena, "old_system");
    import->external_id = arena_printf(arena, "old-%u", n);
    import->history = NEW(script, Intake__History, intake__history__init);
    add_step(script, import->history, "accept", import->received_ms + HOUR_MS);
    command->intake->kind_case = INTAKE__COMMAND__KIND_IMPORT;
    command->intake->import = import;
}

static void fill(struct script *script, unsigned n, Hb__Command *command)
{
    static const char *const steps[] = {"accept", "contact", "handle", "answer"};
    static const char *const fields[][3] = {
        {NULL}, {"contact_by", "phone", NULL}, {"result", "已处理", NULL}, {"reply_text", "已答复", NULL}};
    struct group *group = &script->group;
    unsigned step = among_others(n) / CASES;
    if (is_import(n)) {
        fill_import(script, n, command);
    } else if (step == 0) {
        group_submit_fill(group, command, "complaint", "service", "内容", NULL);
        command->intake->submit->place = arena_printf(&group->arena, "key-%u", n);
    } else {
        group_act_fill(group, command, script->told[command_of(among_others(n) % CASES)].case_id, "chen",
                       steps[step - 1], fields[step - 1]);
    }
    command->id = arena_printf(&group->arena, "0000000000001-%u", n);
}

static void ask(struct script *script, unsigned n)
{
    struct group *group = &script->group;
    Hb__Command command;
    char line[256];
    fill(script, n, &command);
    snprintf(line, sizeof line, "sent %u\n", n);
    note(script, line);
    for (unsigned i = 0; i < TRIES; i++) {
        const Hb__CommandReply *reply = simulation_command(
            group->simulation, registers(n) ? HB__SERVICE__INTAKE : HB__SERVICE__CASEWORK, &command, &group->arena);
        if (reply && !reply->refused) {
            struct told *told = &script->told[n];
            *told = (struct told){.case_id = reply->case_id, .version = reply->version, .answered = true};
            snprintf(told->number, sizeof told->number, "%s", registers(n) ? reply->submitted->number : reply->stage);
            snprintf(line, sizeof line, "ok %u %" PRIu64 " %" PRIu64 " %s\n", n, told->case_id, told->version,
                     told->number);
            note(script, line);
            simulation_settle(group->simulation, 10000);
            return;
        }
        if (reply && i + 1 == TRIES) {
            fprintf(stderr, "command %u is refused: %s\n", n, reply->refused->text->en);
            exit(4);
        }
        simulation_run(group->simulation, simulation_now(group->simulation) + 3000);
    }
    fprintf(stderr, "command %u has no answer\n", n);
    exit(4);
}

/* ---- files ---- */

#define CHUNK_BYTES (512u << 10)
#define FILE_BYTES (CHUNK_BYTES + 1000u)

/* The digest of the whole. */
static ProtobufCBinaryData put_file(struct script *script, uint64_t case_id, const char *file, Hb__Actor *actor)
{
    static uint8_t content[FILE_BYTES];
    struct group *group = &script->group;
    ProtobufCBinaryData digest = {0};
    for (unsigned i = 0; i < FILE_BYTES; i++)
        content[i] = (uint8_t)(i * 11 + i / 257);
    for (unsigned chunk = 0; chunk < 2; chunk++) {
        Hb__Query query = HB__QUERY__INIT;
        Intake__Query intake = INTAKE__QUERY__INIT;
        Intake__PutFile put = INTAKE__PUT_FILE__INIT;
        query.actor = actor;
        query.case_id = case_id;
        query.payload_case = HB__QUERY__PAYLOAD_INTAKE;
        query.intake = &intake;
        intake.kind_case = INTAKE__QUERY__KIND_PUT_FILE;
        intake.put_file = &put;
        put.file = (char *)(uintptr_t)file;
        put.size = FILE_BYTES;
        put.chunk = chunk;
        put.content =
            (ProtobufCBinaryData){chunk ? FILE_BYTES - CHUNK_BYTES : CHUNK_BYTES, content + chunk * CHUNK_BYTES};
        const Hb__QueryReply *reply = simulation_query(group->simulation, HB__SERVICE__INTAKE, &query, &group->arena);
        if (!reply || reply->refused)
            exit(4);
        digest = reply->intake->file_put->digest;
    }
    return digest;
}

static void attach(struct script *script, unsigned n)
{
    struct group *group = &script->group;
    uint64_t case_id = script->told[n].case_id;
    Hb__Command command;
    Casework__Attach attach = CASEWORK__ATTACH__INIT;
    Hb__Personal name = HB__PERSONAL__INIT;
    group_act_fill(group, &command, case_id, "chen", "", NULL);
    command.id = arena_printf(&group->arena, "0000000000001-f%u", n);
    attach.file = arena_printf(&group->arena, "%032x", n + 1);
    attach.digest = put_file(script, case_id, attach.file, command.actor);
    if (n == 3)
        return; /* never attached */
    name.kind_case = HB__PERSONAL__KIND_PLAIN;
    name.plain = "漏水.png";
    attach.file_name = &name;
    attach.type = "image/png";
    attach.size = FILE_BYTES;
    command.casework->kind_case = CASEWORK__COMMAND__KIND_ATTACH;
    command.casework->attach = &attach;
    const Hb__CommandReply *reply =
        simulation_command(group->simulation, HB__SERVICE__CASEWORK, &command, &group->arena);
    if (!reply || reply->refused) {
        fprintf(stderr, "file %u is refused: %s\n", n, reply ? reply->refused->text->en : "no answer");
        exit(4);
    }
    simulation_settle(group->simulation, 10000);
}

/* ---- what VERIFY finds ---- */

struct verifying {
    bool done, found;
    const char *service;
};

static void on_verified(void *context, enum err err, const Bus__Reply *reply)
{
    struct verifying *verifying = context;
    verifying->done = true;
    bool sound = !err && reply->kind_case == BUS__REPLY__KIND_CONTROL && !*reply->control->text;
    if (!sound)
        printf("%s: %s\n", verifying->service,
               err                                            ? err_text(err)
               : reply->kind_case == BUS__REPLY__KIND_CONTROL ? reply->control->text
                                                              : reply->refused->text->en);
    verifying->found |= !sound;
}

/* 7: something was found. The clock is past all that was recorded. */
static int verify(struct group *group)
{
    struct verifying verifying = {0};
    for (int service = HB__SERVICE__DIRECTORY; service <= HB__SERVICE__ANALYTICS; service++) {
        Bus__Request request = BUS__REQUEST__INIT;
        Bus__Control control = BUS__CONTROL__INIT;
        request.kind_case = BUS__REQUEST__KIND_CONTROL;
        request.control = &control;
        control.what = BUS__CONTROL__WHAT__VERIFY;
        verifying.done = false;
        verifying.service = instance_service(simulation_instance(group->simulation, (Hb__Service)service))->name;
        simulation_ask(group->simulation, (Hb__Service)service, &request, 60000, on_verified, &verifying);
        while (!verifying.done && simulation_step(group->simulation, INT64_MAX - 1))
            ;
        if (!verifying.done)
            printf("%s: no answer\n", verifying.service);
    }
    return verifying.found ? 7 : 0;
}

static int look_at_cases(struct script *script, void look(struct group *group, const uint64_t *cases, size_t count))
{
    uint64_t cases[COMMANDS];
    size_t count = 0;
    for (unsigned n = 0; n < COMMANDS; n++)
        if (registers(n) && script->told[n].answered)
            cases[count++] = script->told[n].case_id;
    look(&script->group, cases, count);
    return 0;
}

int main(int argc, char **argv)
{
    if (argc > 3 && strcmp(argv[3], "branches") == 0)
        branches_begin();
    branch();
    if (argc < 3) {
        fprintf(stderr, "usage: script FOLDER LEDGER [check|verify|read|open|files|until N|branches]\n");
        return 2;
    }
    struct script *script = calloc(1, sizeof *script);
    if (!script) {
        fprintf(stderr, "cannot start: no memory\n");
        return 2;
    }
    char line[64], why[512];
    script->latest_ms = START_MS - LATER_MS;
    read_ledger(script, argv[2]);
    int64_t start_ms = script->latest_ms + LATER_MS * 60;
    snprintf(line, sizeof line, "started %" PRId64 "\n", start_ms);
    note(script, line);
    draw_from(start_ms);
    group_open_synced(&script->group, argv[1], 7, start_ms);
    branch();
    if (argc > 3 && strcmp(argv[3], "verify") == 0)
        return verify(&script->group);
    if (argc > 3 && strcmp(argv[3], "read") == 0)
        return look_at_cases(script, read_all);
    if (argc > 3 && strcmp(argv[3], "open") == 0)
        return look_at_cases(script, open_all);
    if (argc > 3 && strcmp(argv[3], "files") == 0) {
        for (unsigned n = 0; n < 4; n++)
            attach(script, n);
        return 0;
    }
    if (!script->founded) {
        group_found(&script->group, "GEN-FRAME");
        note(script, "founded\n");
    }
    unsigned until = argc > 4 && strcmp(argv[3], "until") == 0 ? (unsigned)strtoul(argv[4], NULL, 10) : COMMANDS;
    for (unsigned n = 0; n < until && n < COMMANDS; n++) {
        if (script->told[n].answered)
            continue;
        if (branch())
            break;
        ask(script, n);
    }
    branch();
    if (!simulation_settle(script->group.simulation, 60000)) {
        fprintf(stderr, "it does not come to rest\n");
        return 4;
    }
    if (argc > 3 && strcmp(argv[3], "check") == 0 && simulation_check(script->group.simulation, why, sizeof why)) {
        fprintf(stderr, "%s\n", why);
        return 6;
    }
    group_close(&script->group);
    free(script);
    return 0;
}
