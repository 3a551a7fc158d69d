/* The index of words (vault/words.h), read behind the turns: whatever a turn left is read into it within a second, a
   part at a time, on committed state. It is of the process, not of the state: no fold makes it and no snapshot holds
   it. The simulation has none, and whoever searches there opens what he looks for. */
#include "service/internal.h"
#include "vault/words.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#define INDEX_FORMAT 3u /* another one makes every index anew */
#define INDEX_AFTER_MS 1000

/* A damaged one is made anew: nothing is in it that is not elsewhere. */
static bool forget(const char *folder)
{
    static const char *const files[] = {"data.mdb", "lock.mdb"};
    char path[4300];
    bool gone = true;
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        snprintf(path, sizeof path, "%s/%s", folder, files[i]);
        gone = (unlink(path) == 0 || errno == ENOENT) && gone;
    }
    return gone;
}

enum err index_open(struct instance *instance, char *why_out, size_t why_size)
{
    char folder[4200], of[120];
    const Record__Head *head = &instance->head;
    if (!instance->service->index || !instance->vault || instance->options.no_sync)
        return ERR_NONE;
    snprintf(folder, sizeof folder, "%s/words", instance->options.folder);
    snprintf(of, sizeof of, "%u: %016" PRIx64 " epoch %" PRIu32 " buckets %" PRIu32 "-%" PRIu32, INDEX_FORMAT,
             head->cell, head->epoch, head->bucket_from, head->bucket_to);
    enum err err = words_open(folder, instance->vault, of, &instance->words);
    if (err == ERR_CORRUPT && forget(folder))
        err = words_open(folder, instance->vault, of, &instance->words);
    if (err)
        snprintf(why_out, why_size, "%s: %s; the folder may be removed: what is in it is made anew", folder,
                 err_text(err));
    instance->words_behind = true;
    return err;
}

void index_close(struct instance *instance)
{
    words_close(instance->words);
    instance->words = NULL;
}

static bool is_behind(const struct instance *instance)
{
    return instance->words && !instance->words_stopped &&
           (instance->words_behind || words_damaged(instance->words) ||
            instance->words_turns != instance->counts.turns);
}

int64_t index_next(const struct instance *instance)
{
    return is_behind(instance) ? instance->words_boot_ms : INT64_MAX;
}

struct indexing {
    bool more;
    enum err err;
};

static void read_texts(struct turn *turn, void *context)
{
    struct indexing *indexing = context;
    indexing->err = turn->instance->service->index(turn, &indexing->more);
}

/* Until the next start: whoever searches opens what was not read. */
static bool stops(struct instance *instance)
{
    poison_name(instance, "index", "", words_end(instance->words));
    if (!poison_quarantines(instance))
        return false;
    poison_passed_over(instance, "");
    poison_passed(instance);
    instance->input_name[0] = 0;
    return instance->words_stopped = true;
}

bool index_step(struct instance *instance, int64_t now)
{
    if (!is_behind(instance) || instance_boot(instance) < instance->words_boot_ms || stops(instance))
        return false;
    struct turn turn;
    struct indexing indexing = {0};
    uint64_t turns = instance->counts.turns;
    struct store_txn *txn = store_begin(instance->store, false);
    turn_begin(&turn, instance, txn, &instance->arena, now);
    if (!turn_read(&turn, read_texts, &indexing)) /* it stays behind there: whoever searches opens what he looks for */
        indexing.err = ERR_CORRUPT;
    if (indexing.err)
        words_abort(instance->words);
    else
        poison_passed(instance);
    store_abort(txn);
    arena_reset(&instance->arena);
    instance->input_name[0] = 0;
    instance->words_turns = turns;
    instance->words_behind = indexing.more || indexing.err; /* without room: tried again */
    instance->words_boot_ms = instance_boot(instance) + (indexing.more && !indexing.err ? 0 : INDEX_AFTER_MS);
    return indexing.more && !indexing.err;
}

struct words *turn_words(struct turn *turn)
{
    bug_unless(turn->phase == PHASE_PREPARE || turn->phase == PHASE_READ);
    return turn->instance->words;
}
