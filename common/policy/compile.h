/* Policy packs in YAML -> one compiled Policy (layer 1). The notation is read in notation.c and kinds.c, what it means
   stands in policy.proto; the packs in services/directory/policies show it in use. Every mistake is reported at once:
   file, line, field, what is accepted. */
#ifndef HEARBACK_POLICY_COMPILE_H
#define HEARBACK_POLICY_COMPILE_H

#include "base/arena.h"
#include "hearback/policy.pb-c.h"

#include <jansson.h>

struct policy_source {
    const char *path; /* "PROP-11/pack.yaml": the folder names the pack */
    struct bytes text;
};

struct policy_mistake {
    const char *file;
    unsigned line;
    const char *field;   /* "kinds.complaint.clocks.reply.limit" */
    const char *message; /* what is wrong, and what would be accepted */
    const char *zh;      /* the same in Chinese */
    bool warning;        /* publishing goes on */
    bool stands;         /* what it is about compiles all the same */
};

#define POLICY_NAME_BYTES_MAX 100u
#define POLICY_MISTAKES_MAX 500u /* told; what is beyond is not, but counts */
#define POLICY_RULES_MAX 2000u   /* that act, in all kinds together */

struct policy_place { /* where an item of the policy is written */
    const char *field, *file;
    unsigned line;
};

struct policy_use { /* an item of the policy names a clause */
    const char *clause, *field, *file;
    unsigned line;
};

struct policy_result {
    Policy__Policy *policy; /* NULL when there is a mistake */
    Policy__Policy *begun;  /* as far as it was understood, for policy_check; NULL: a file or a base was not read */
    struct policy_mistake *mistakes;
    size_t count;
    struct policy_place *places;
    size_t places_count;
    const char **likes; /* kinds that are `like` another, each behind that one */
    size_t likes_count;
    struct policy_use *uses; /* of an item several packs speak of: where the lower one does */
    size_t uses_count;
    bool settles; /* the last pack is a site's own (`settles: yes`) */
};

/* Names of packs and files become names of folders and files, and arguments: ASCII letters and digits, `.`, `_`, `-`
   and what is not ASCII, neither a dot nor a dash in front. */
bool policy_is_name(const char *text, size_t size);
bool policy_is_file(const char *name);   /* "night.yaml" */
bool policy_is_source(const char *path); /* "PROP-11/pack.yaml" */

/* Compiles the packs named, each with the packs it extends; all their files are among `sources`. */
void policy_compile(const struct policy_source *sources, size_t sources_count, const char *const *packs,
                    size_t packs_count, struct arena *arena, struct policy_result *result_out);

/* The packs with their bases as one tree, as written: names of sections, items and fields, settings still by name, a
   kind that is `like` another with its own items only. A new reference; NULL when a pack cannot be read, and
   `result_out` says why. For comparing what two authors wrote. */
json_t *policy_merged(const struct policy_source *sources, size_t sources_count, const char *const *packs,
                      size_t packs_count, struct arena *arena, struct policy_result *result_out);

/* Reads <folder>/<NAME>/x.yaml of the named packs and of all they extend. A pack that is not there is a mistake. */
enum err policy_read_folder(const char *folder, const char *const *packs, size_t packs_count, struct arena *arena,
                            struct policy_source **sources_out, size_t *count_out) MUST_CHECK;
/* The same from several folders: each pack from the first that has it. */
enum err policy_read_folders(const char *const *folders, size_t folders_count, const char *const *packs,
                             size_t packs_count, struct arena *arena, struct policy_source **sources_out,
                             size_t *count_out) MUST_CHECK;
/* Adds the files of one folder as those of the pack `name`. */
enum err policy_read_pack(const char *folder, const char *name, struct arena *arena, struct policy_source **sources,
                          size_t *count) MUST_CHECK;

/* What a reader cannot see: unreachable stages, dead ends, clocks nothing stops, routes that are not total, rows
   an earlier one always takes, rules that set one field to two values, empty ladders, notices to nobody or with holes
   nothing fills, texts without translation, words that mean no fact, post, notice or clock, facts that may be unknown
   when they are asked for, cycles of rules and of superiors, names that would do nothing in silence, clocks that run on
   after the case is over, rules that refuse always or are there twice. Looks at whatever compiled: what did not makes
   no mistakes of its own. Adds to result->mistakes. */
void policy_check(struct policy_result *result, struct arena *arena);
/* And of posts and certificates that somebody at a site has to hold: levels, rows of routes, links of chains, notices,
   rosters and conditions that come to nobody. */
struct policy_held {
    const char *site;
    const char **posts; /* of its people, in any order, also more than once */
    size_t posts_count;
    const char **certificates;
    size_t certificates_count;
};
void policy_check_held(struct policy_result *result, const struct policy_held *by_people, struct arena *arena);

#endif
