/* Shared by the files of the policy checker. */
#ifndef HEARBACK_POLICY_CHECK_H
#define HEARBACK_POLICY_CHECK_H

#include "policy/compile.h"
#include "policy/lookup.h"

struct check {
    struct policy_result *result;
    struct arena *arena;
    const Policy__Policy *policy;
    const Policy__Kind *kind; /* at hand */
    size_t compiled;          /* so many of the mistakes are the compiler's */
    const char **asked;       /* facts that conditions of `asked_of` ask for (check_names.c) */
    size_t asked_count;
    const Policy__Kind *asked_of;
    bool wrong; /* a mistake was found */
    bool said;  /* the last finding was not said already of another kind */
};

enum check_weight { CHECK_MISTAKE, CHECK_WARNING };

/* Both formats take the same arguments in the same order. The place is that of the innermost item of `field` whose line
   is known. */
void check_found(struct check *check, enum check_weight weight, const char *field, const char *zh, const char *en, ...)
    __attribute__((format(printf, 4, 6), format(printf, 5, 6)));
/* Did the compiler find a mistake in this item, or in a part of it? Then it says less, or other things, than is meant,
   and what it seems to lack is not told. */
bool check_broken(const struct check *check, const char *item);
/* The same of the section or item itself, whatever is within it. */
bool check_broken_itself(const struct check *check, const char *item);
void check_suggest(struct check *check, const char *word, const char *const *words, size_t count);

/* Those that take up what another has behind it: what is wrong is said of the one whose item it is. */
Policy__Kind **kinds_in_order(const struct policy_result *result, const Policy__Policy *policy, struct arena *arena);

#define CHECK_ADD(check, list, count, item)                                                                            \
    do {                                                                                                               \
        (list) = arena_grow((check)->arena, (list), (count), sizeof *(list));                                          \
        (list)[(count)++] = (item);                                                                                    \
    } while (0)

/* check_words.c: what conditions, people, notices and events name must be there. */
bool check_common_fact(const char *fact);
bool check_fact_known(struct check *check, const char *field, const char *fact); /* false: it is told */
bool check_broken_field(const struct check *check, const char *fact);
bool check_role(const char *word);
bool check_who_known(const struct check *check, const Policy__Who *who);
void check_who(struct check *check, const char *field, const Policy__Who *who);
void check_suggest_post(struct check *check, const char *word);
bool check_any_link(const struct check *check, const char *link);
bool check_told_elsewhere(const char *notice); /* without a rule */
bool check_gathers_link(const Policy__Policy *policy, const char *link);
void check_kind_words(struct check *check);
void check_policy_words(struct check *check);
/* check_names.c: names that are read as they come, whose mistakes would do nothing, in silence. */
void check_kind_names(struct check *check);
void check_policy_names(struct check *check);
/* check_runs.c: clocks that run on, limits for some only. */
void check_runs(struct check *check);
/* check_uses.c: notices and ladders that nothing comes to. */
void check_uses(struct check *check);
/* check_overlap.c: rows nothing gets to, rules that contradict each other. */
void check_overlap(struct check *check);
/* check_clauses.c: a rule under a clause nobody knows; of a whole policy, a clause no rule carries. */
void check_clauses(struct check *check);
/* check_loops.c: what rules cause must end. */
void check_loops(struct check *check);

#endif
