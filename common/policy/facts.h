/* The facts of a case: what conditions may read. Every service folds them alike from the events' `facts` (layer 1). */
#ifndef HEARBACK_POLICY_FACTS_H
#define HEARBACK_POLICY_FACTS_H

#include "base/arena.h"
#include "hearback/envelope.pb-c.h"

struct facts {
    Hb__Fact **list;
    size_t count;
};

/* NULL when there is no such fact. */
const Hb__Value *facts_get(const struct facts *facts, const char *name);
const char *facts_text(const struct facts *facts, const char *name); /* "" when absent or no text */
int64_t facts_number(const struct facts *facts, const char *name);   /* 0 when absent */
bool facts_time(const struct facts *facts, const char *name, int64_t *ms_out);

/* Sets, replaces or (value NULL) removes. Kept in order of name, so that equal facts have equal bytes. */
void facts_set(struct arena *arena, struct facts *facts, const char *name, const Hb__Value *value);
void facts_fold(struct arena *arena, struct facts *facts, Hb__Fact *const *changes, size_t count);

/* The same on the two members of a record. */
void facts_list_fold(struct arena *arena, Hb__Fact ***list, size_t *count, const Hb__Event *event);

bool value_equal(const Hb__Value *a, const Hb__Value *b);
/* Numbers, money, durations and times of one kind: -1, 0, 1; false when they cannot be compared. */
bool value_compare(const Hb__Value *a, const Hb__Value *b, int *order_out);

#endif
