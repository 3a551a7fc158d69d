/* A row that a disk altered, met where it is used. While something is only read or decided, what needs the row is
   refused and nothing else: one bad row must not deny all others. While an event is folded nothing can go on, for the
   state would no longer follow from the log: the process ends, and says at which row. */
#include "message/message.h"
#include "service/internal.h"

#include <inttypes.h>
#include <stdio.h>

/* One line for each place; what is beyond DAMAGED_TOLD_MAX is told each time, and bounded by the log alone. */
static bool told_before(struct instance *instance, const char *what)
{
    uint64_t hash = 14695981039346656037u; /* FNV-1a */
    for (const char *at = what; *at; at++)
        hash = (hash ^ (uint8_t)*at) * 1099511628211u;
    for (unsigned i = 0; i < instance->damaged_told_count; i++)
        if (instance->damaged_told[i] == hash)
            return true;
    if (instance->damaged_told_count < DAMAGED_TOLD_MAX)
        instance->damaged_told[instance->damaged_told_count++] = hash;
    return false;
}

void damage_note(struct instance *instance, const char *what)
{
    if (!told_before(instance, what))
        NOTE(instance->log, NOTE_DAMAGED, LOG_TEXT("what", what));
}

static void refuse(struct turn *turn, const char *what)
{
    const char *name = turn->instance->service->name;
    damage_note(turn->instance, what);
    turn->refusal = NULL; /* whatever was thought of it before rests on the row */
    turn_refuse(turn, 500, "damaged", arena_printf(turn->arena, "%s: 数据已损坏，须由管理员恢复：%s", name, what),
                arena_printf(turn->arena, "%s: a row is damaged, an operator must restore it: %s", name, what));
}

bool turn_read(struct turn *turn, void (*read)(struct turn *turn, void *context), void *context)
{
    jmp_buf damaged;
    turn->damaged = &damaged;
    if (setjmp(damaged) != 0) {
        turn->damaged = NULL;
        turn->cell = 0;
        return false;
    }
    read(turn, context);
    turn->damaged = NULL;
    enum err err = store_error(turn->txn);
    if (err) /* what could not be read was taken for missing */
        refuse(turn, arena_printf(turn->arena, "%s: %s", turn->instance->options.folder, err_text(err)));
    return err == ERR_NONE;
}

void turn_beside(struct turn *turn, struct store_txn *txn)
{
    turn->beside = txn;
}

static _Noreturn void end(const char *name, const char *what)
{
    char text[700]; /* nothing here may need memory */
    snprintf(text, sizeof text, "%s: %s: hearback verify, then restore", name, what);
    bug_report(__FILE__, __LINE__, text);
}

void state_damaged(struct turn *turn, const char *what)
{
    if (!turn->damaged)
        end(turn->instance->service->name, what);
    refuse(turn, what);
    if (turn->beside)
        store_abort(turn->beside);
    turn->beside = NULL;
    longjmp(*turn->damaged, 1);
}

void state_missing(struct turn *turn, unsigned table, struct bytes key)
{
    state_damaged(turn, arena_printf(turn->arena, "%s: it is not there", state_place(turn, table, key)));
}

void log_damaged(struct turn *turn, uint64_t offset)
{
    state_damaged(turn, arena_printf(turn->arena, "own log, offset %" PRIu64 ": an event is damaged", offset));
}
