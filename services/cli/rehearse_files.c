/* Files of a scenario: `do: attach_file c1, with: {file: rec.wav}` brings one of that name, as the gateway does, and a
   field of type file may then name it. What is in it is its name. */
#include "policy/lookup.h"
#include "rehearse_world.h"

#include <sodium.h>

#define FILE_ID_BYTES 16u

static char *id_of(struct world *world, const char *name)
{
    uint8_t hash[FILE_ID_BYTES];
    char *id = arena_alloc(&world->arena, 2 * FILE_ID_BYTES + 1);
    crypto_generichash(hash, sizeof hash, (const uint8_t *)name, strlen(name), NULL, 0);
    return sodium_bin2hex(id, 2 * FILE_ID_BYTES + 1, hash, sizeof hash);
}

static const Casework__Attachment *attached(struct world *world, uint64_t case_id, const char *name)
{
    const Casework__CaseFile *file = case_id ? world_file(world, case_id, NULL) : NULL;
    const char *id = file ? id_of(world, name) : "";
    for (size_t i = 0; file && i < file->n_attachments; i++)
        if (strcmp(file->attachments[i]->file, id) == 0)
            return file->attachments[i];
    return NULL;
}

const char *world_file_named(struct world *world, uint64_t case_id, const char *name)
{
    const Casework__Attachment *file = attached(world, case_id, name);
    return file ? file->file : name;
}

static const Intake__Reply *ask_intake(struct world *world, uint64_t case_id, const char *person, Intake__Query *intake)
{
    Hb__Query query = HB__QUERY__INIT;
    query.actor = world_command_new(world, person)->actor;
    query.site = world_copy(world, WORLD_SITE);
    query.case_id = case_id;
    query.payload_case = HB__QUERY__PAYLOAD_INTAKE;
    query.intake = intake;
    const Hb__QueryReply *reply = simulation_query(world->simulation, HB__SERVICE__INTAKE, &query, &world->arena);
    return reply && !reply->refused ? reply->intake : NULL;
}

/* ---- bringing one ---- */

static const Intake__FilePut *put(struct world *world, uint64_t case_id, const char *person, const char *name)
{
    Intake__Query intake = INTAKE__QUERY__INIT;
    Intake__PutFile content = INTAKE__PUT_FILE__INIT;
    intake.kind_case = INTAKE__QUERY__KIND_PUT_FILE;
    intake.put_file = &content;
    content.file = id_of(world, name);
    content.size = strlen(name);
    content.content = (ProtobufCBinaryData){strlen(name), (uint8_t *)world_copy(world, name)};
    const Intake__Reply *reply = ask_intake(world, case_id, person, &intake);
    return reply ? reply->file_put : NULL;
}

const Hb__CommandReply *world_attach(struct world *world, const struct scenario_line *line)
{
    const char *name = line->with_count ? line->with[0].value : "";
    Hb__Command *command = world_command_new(world, line->by);
    command->case_id = world_case(world, line->case_name);
    const Intake__FilePut *content = put(world, command->case_id, line->by, name);
    if (!content)
        return NULL;
    command->payload_case = HB__COMMAND__PAYLOAD_CASEWORK;
    command->casework = WORLD_NEW(world, Casework__Command, casework__command__init);
    command->casework->kind_case = CASEWORK__COMMAND__KIND_ATTACH;
    Casework__Attach *attach = command->casework->attach = WORLD_NEW(world, Casework__Attach, casework__attach__init);
    attach->file = id_of(world, name);
    attach->file_name = WORLD_NEW(world, Hb__Personal, hb__personal__init);
    attach->file_name->kind_case = HB__PERSONAL__KIND_PLAIN;
    attach->file_name->plain = world_copy(world, name);
    attach->type = world_copy(world, "application/octet-stream");
    attach->size = strlen(name);
    attach->digest = content->digest;
    return world_send(world, HB__SERVICE__CASEWORK, command, "");
}

/* ---- what has become of it ---- */

/* As intake gives it to the operator; NULL: it does not. */
static const Intake__FileRead *read_back(struct world *world, uint64_t case_id, const char *name)
{
    Hb__Command *command = world_open_new(world, NULL, case_id);
    WORLD_ADD(world, command->intake->open->files, command->intake->open->n_files, id_of(world, name));
    const Hb__CommandReply *opened = world_send(world, HB__SERVICE__INTAKE, command, "");
    if (!opened || opened->refused)
        return NULL;
    Intake__Query intake = INTAKE__QUERY__INIT;
    Intake__ReadFile read = INTAKE__READ_FILE__INIT;
    intake.kind_case = INTAKE__QUERY__KIND_READ_FILE;
    intake.read_file = &read;
    read.file = id_of(world, name);
    read.opened_at = opened->opened->opened_at;
    const Intake__Reply *reply = ask_intake(world, case_id, NULL, &intake);
    return reply ? reply->file_read : NULL;
}

const char *world_file_state(struct world *world, uint64_t case_id, const char *name)
{
    const Casework__Attachment *file = attached(world, case_id, name);
    if (!file)
        return "missing";
    const Intake__FileRead *read = read_back(world, case_id, name);
    bool whole = read && read->content.len == strlen(name) && memcmp(read->content.data, name, strlen(name)) == 0;
    if (file->deleted_ms)
        return read ? "deleted, and intake still gives it" : "deleted";
    return whole ? "kept" : "kept, and intake does not give it";
}
