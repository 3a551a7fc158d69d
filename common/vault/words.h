/* Which cases may hold a word (layer 3: store, libsodium). For each case one filter over the pairs of characters that
   stand side by side in its texts; what a filter lets pass is opened and compared, what it does not cannot match.

   A filter is a Bloom filter: 16 bits and 8 probes for each pair that differs, so that one pair passes by mistake in
   about six of ten thousand cases. Its probes are keyed (a hash under a key derived from the vault's): without the
   epoch key a stolen folder tells of a case no more than about how many pairs its texts have, which the length of the
   boxes tells, too. Two filters cannot be held against each other for what they share beyond what chance gives, for the
   size of each moves its bits.

   The filters lie in an environment of their own that is in no backup: it is made anew from log and tables whenever it
   is missing, or was made of another state of them (`of`). `words_end` says how far the texts were read into it;
   whoever looks takes what came later for candidates, so nothing is missed while it is being read. */
#ifndef HEARBACK_VAULT_WORDS_H
#define HEARBACK_VAULT_WORDS_H

#include "base/arena.h"

struct vault;
struct words;

/* `of`: whose texts these are; when it changes all is forgotten. */
enum err words_open(const char *folder, const struct vault *vault, const char *of, struct words **words_out) MUST_CHECK;
void words_close(struct words *words); /* NULL is fine */
uint64_t words_end(const struct words *words);
bool words_damaged(const struct words *words); /* a row was altered: all texts must be read into it anew; `end` is 0 */

struct words_marks { /* in an arena */
    uint64_t *list;
    size_t count;
};
/* Of each two characters side by side in a folded text; those of one scope are none of another's. */
enum words_scope { WORDS_OF_ANY, WORDS_OF_MATTER };
void words_mark(const struct words *words, enum words_scope scope, const char *folded, struct arena *arena,
                struct words_marks *marks);
/* Of a value as a whole, apart from all others of another scope: a telephone number. */
void words_mark_whole(const struct words *words, const char *scope, const char *value, struct arena *arena,
                      struct words_marks *marks);

/* Each once, at most `most` of them: those of the beginning of what was marked. */
void words_marks_distinct(struct words_marks *marks, size_t most);

struct words_place {
    uint64_t received_ms, case_id;
};

/* Writing: begun, put, and committed with the place up to which all texts have been read. */
void words_begin(struct words *words);
void words_put(struct words *words, const char *site, struct words_place place, struct words_marks *marks);
enum err words_commit(struct words *words, uint64_t end) MUST_CHECK;
void words_abort(struct words *words); /* as if it had not begun */

/* Looks on from `from` (not itself), oldest or newest first, through at most `rows_max` cases of the site (those looked
   at are taken off) and until `most` of them may hold all marks. `from` is where it stopped; `end`: there are no more.
 */
struct words_look {
    const char *site;
    const struct words_marks *marks;
    struct words_place from;
    bool newest_first, end;
    size_t rows_max;
};
size_t words_find(struct words *words, struct words_look *look, struct words_place *found, size_t most);

/* The cases whose filters hold most of the marks, `least` of them or more, best first and of equal ones as they were
   met; `held` says how many, as far as filters can. Looks on until a place is beyond `until`, or at `rows_max`. */
struct words_ranked {
    struct words_place place;
    size_t held;
};
size_t words_rank(struct words *words, struct words_look *look, struct words_place until, size_t least,
                  struct words_ranked *ranked, size_t most);

/* Looks through all rows of one snapshot. */
struct words_check;
struct words_check *words_check_open(struct words *words);
/* At most `rows_max` more. False: all were looked at. `*wrong_out`: what was altered, in `arena`; NULL: nothing yet. */
bool words_check_step(struct words_check *check, unsigned rows_max, struct arena *arena, const char **wrong_out);
void words_check_close(struct words_check *check); /* NULL is fine */

#endif
