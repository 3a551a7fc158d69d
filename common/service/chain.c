/* hb.ChainQuery: how far this log was verified, when, and whether anything was found; and a verification begun by
   whoever may audit. What the last one said lies in a file of its own: it is no state of the service, no fold makes it,
   and a backup or a restore does not bring it along. */
#include "base/file.h"
#include "message/message.h"
#include "organisation/organisation.h"
#include "service/internal.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#define VERIFIED_BYTES_MAX (256u << 10)

static void path_of(const struct instance *instance, const char *ending, char path_out[4400])
{
    snprintf(path_out, 4400, "%s/verified%s", instance->options.folder, ending);
}

static const Record__Verified *load(const struct instance *instance, struct arena *arena)
{
    static const Record__Verified none = RECORD__VERIFIED__INIT;
    char path[4400], *why;
    struct bytes stored;
    ProtobufCMessage *message;
    path_of(instance, "", path);
    bool known = file_read(path, VERIFIED_BYTES_MAX, arena, &stored) == ERR_NONE &&
                 message_load(&record__verified__descriptor, stored, arena, &message, &why) == ERR_NONE;
    return known ? (const Record__Verified *)message : &none;
}

static bool write_whole(const char *path, struct bytes bytes)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    bool written = fd >= 0 && write(fd, bytes.data, bytes.size) == (ssize_t)bytes.size;
    return (fd < 0 || close(fd) == 0) && written;
}

/* A line each, as the operator is told them. */
static void add_lines(struct arena *arena, Record__Verified *verified, const char *text)
{
    for (size_t size = 0; *text; text += size + (text[size] == '\n')) {
        size = strcspn(text, "\n");
        verified->findings = arena_grow(arena, verified->findings, verified->n_findings, sizeof *verified->findings);
        verified->findings[verified->n_findings++] = arena_text(arena, text, size);
    }
}

void chain_keep(struct instance *instance, uint64_t offset, uint32_t findings_count, const char *findings)
{
    Record__Verified verified = RECORD__VERIFIED__INIT;
    struct arena arena;
    char path[4400], fresh[4400];
    arena_init(&arena);
    verified.offset = offset;
    verified.at_ms = instance->env->now(instance->env->context);
    verified.findings_count = findings_count;
    add_lines(&arena, &verified, findings);
    path_of(instance, "", path);
    path_of(instance, ".new", fresh);
    if (!write_whole(fresh, message_pack(&verified.base, &arena)) || rename(fresh, path) != 0)
        unlink(fresh); /* then the one before is still told, with its time */
    arena_fini(&arena);
}

static Hb__Chain *told(struct turn *turn, bool findings)
{
    struct instance *instance = turn->instance;
    const Record__Verified *verified = load(instance, turn_arena(turn));
    Hb__Chain *chain = TURN_NEW(turn, Hb__Chain, hb__chain__init);
    chain->end = instance->head.offset;
    chain->verified = verified->offset;
    chain->verified_ms = verified->at_ms;
    chain->findings_count = verified->findings_count;
    chain->findings = findings ? verified->findings : NULL;
    chain->n_findings = findings ? verified->n_findings : 0;
    verify_progress(instance, chain);
    return chain;
}

void chain_answer(struct turn *turn, const Hb__Query *query, Hb__QueryReply *reply)
{
    if (!query->actor || !rights_may(turn, query->actor, "audit", query->site)) {
        turn_refuse(turn, 404, "unknown_site", "没有这个站点", "there is no such site");
        return;
    }
    bool all = rights_may(turn, query->actor, "audit", "*"); /* a line may name a case of any site */
    reply->payload_case = HB__QUERY_REPLY__PAYLOAD_CHAIN;
    reply->chain = TURN_NEW(turn, Hb__ChainReply, hb__chain_reply__init);
    switch (query->chain->kind_case) {
    case HB__CHAIN_QUERY__KIND_LOOK:
        reply->chain->kind_case = HB__CHAIN_REPLY__KIND_LOOK;
        reply->chain->look = told(turn, all);
        return;
    case HB__CHAIN_QUERY__KIND_VERIFY:
        if (!turn->instance->full)
            verify_start(turn->instance);
        else
            turn_refuse(turn, 503, "full", "存储空间不足，无法核对", "no room on disk for a fresh fold");
        reply->chain->kind_case = HB__CHAIN_REPLY__KIND_VERIFY;
        reply->chain->verify = told(turn, all);
        return;
    case HB__CHAIN_QUERY__KIND__NOT_SET:
        break;
    }
    turn_refuse(turn, 400, "not_understood", "无法理解该查询", "this query is of a kind not known here");
}
