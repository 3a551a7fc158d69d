/* Shared by the files of the policy compiler. */
#ifndef HEARBACK_POLICY_INTERNAL_H
#define HEARBACK_POLICY_INTERNAL_H

#include "policy/compile.h"
#include "policy/lookup.h"
#include "yaml/yaml.h"

struct compile {
    struct arena *arena;
    struct yaml_places places;
    struct policy_result *result;
    json_t *root;       /* the merged pack */
    json_t *settings;   /* of the root */
    json_t *made;       /* nodes made while compiling: kept, so that no place is taken for another's */
    json_t *removed;    /* what a pack removed of the base that others may share: path -> as it says it */
    const char *beside; /* while a pack is laid beside those listed before it: that pack; else NULL */
    const char *path;   /* field path at hand */
    const char *file;   /* where the item at hand stands, for nodes without a place */
    unsigned line;
    Policy__Policy *policy;
    const Policy__Kind *kind; /* while its clocks, rules, routes are compiled */
    const char *item;         /* inside `every: {..}`: "points." of a field of parts, "" of a link; NULL outside */
    bool wrong;               /* there is a mistake that is no warning */
    bool half;                /* a file or a base could not be read: the rest of the pack says nothing by itself */
    bool said;                /* the last one was not said already of another kind */
    const json_t *entered;    /* the item of `path` */
    const char *no_map;       /* the path of an item that is no map: what it lacks is not told as well */
};

#define POLICY_NEW(compile, type, init_value)                                                                          \
    ({                                                                                                                 \
        type *new_item_ = arena_alloc((compile)->arena, sizeof(type));                                                 \
        *new_item_ = (type)init_value;                                                                                 \
        new_item_;                                                                                                     \
    })
#define POLICY_ADD(compile, list, count, item)                                                                         \
    do {                                                                                                               \
        (list) = arena_grow((compile)->arena, (list), (count), sizeof *(list));                                        \
        (list)[(count)++] = (item);                                                                                    \
    } while (0)

/* errors.c: what is wrong and what would be accepted, in both languages; both formats take the same arguments. */
void mistake(struct compile *compile, const json_t *node, const char *zh, const char *en, ...)
    __attribute__((format(printf, 3, 5), format(printf, 4, 5)));
/* The same, and publishing goes on. */
void caution(struct compile *compile, const json_t *node, const char *zh, const char *en, ...)
    __attribute__((format(printf, 3, 5), format(printf, 4, 5)));
/* Adds to the last mistake the word that was probably meant, if one is near. */
void suggest(struct compile *compile, const char *word, const char *const *words, size_t count);
void suggest_key(struct compile *compile, const char *word, json_t *map);
/* Warns of what is accepted and has no effect. */
void not_carried_out(struct compile *compile, const json_t *map, const char *const *keys, size_t count);
#define NOT_CARRIED_OUT(compile, map, ...)                                                                             \
    do {                                                                                                               \
        static const char *const later_[] = {__VA_ARGS__};                                                             \
        not_carried_out((compile), (map), later_, sizeof later_ / sizeof *later_);                                     \
    } while (0)
/* A kind that is `like` another has its items too: what is wrong with them is said once. */
bool said_of_another_kind(const struct policy_result *result, const struct policy_mistake *mistake);
/* False: it stands there and is no map, which is told. */
bool map_or_none(struct compile *compile, const json_t *node);
/* The same from a list of messages that have a name. */
#define SUGGEST(compile, word, list, count)                                                                            \
    do {                                                                                                               \
        const char **names_ = arena_alloc((compile)->arena, ((count) + 1) * sizeof *names_);                           \
        for (size_t i_ = 0; i_ < (count); i_++)                                                                        \
            names_[i_] = (list)[i_]->name;                                                                             \
        suggest((compile), (word), names_, (count));                                                                   \
    } while (0)
const char *path_enter(struct compile *compile, const char *name, const json_t *node); /* returns the path to restore */
void only_keys(struct compile *compile, json_t *map, const char *const *keys, size_t count);
#define ONLY_KEYS(compile, map, ...)                                                                                   \
    do {                                                                                                               \
        static const char *const keys_[] = {__VA_ARGS__};                                                              \
        only_keys((compile), (map), keys_, sizeof keys_ / sizeof *keys_);                                              \
    } while (0)

/* Of a file, before it is laid over others: a key that is misspelt is told and read as the one it is near to, so that
   what is wrong behind it is told too; a section, the keys from `heads` on, that is no map is told and left out: it
   would take the place of the base's. */
void sections_of(struct compile *compile, json_t *map, const char *const *keys, size_t count, size_t heads);
void kind_sections_of(struct compile *compile, json_t *map); /* kinds.c: the same of a kind */

/* merge.c */
json_t *merge_packs(struct compile *compile, json_t *base, json_t *over);
/* What two files of one pack say differently: which one is meant? */
void files_collide(struct compile *compile, json_t *root, json_t *own);
/* Tells of the rows of a file's routes that are not tried where they are written. */
void routes_in_order(struct compile *compile, json_t *root);
/* Warns of what two packs, neither of which extends the other, say differently: the later one's holds. */
void packs_collide(struct compile *compile, json_t *root, json_t *own, const char *pack);
/* Warnings that this pack, the last, answers by saying the field itself are taken back. */
void packs_settle(struct compile *compile, json_t *own, const char *pack);
json_t *merge_kind(struct compile *compile, json_t *base, json_t *over);

/* departments.c: makes conditions on `lead` of what the departments of each kind say otherwise; then, whose an item
   that was made so is. */
void departments_apply(struct compile *compile);
char *department_of(struct compile *compile, json_t *item);

/* notation.c: scalars, labels, times, who, conditions, triggers. A `$name` stands for the setting's value. */
const char *text_of(struct compile *compile, json_t *node); /* "" when absent; a mistake when it is no scalar */
bool yes_of(struct compile *compile, json_t *node);
void label_of(struct compile *compile, json_t *item, const char *key, Hb__Label **label_out, bool needed);
void clauses_of(struct compile *compile, json_t *item, char ***list, size_t *count, bool needed);
void texts_of(struct compile *compile, json_t *node, char ***list, size_t *count);
int period_parse(const char *text);               /* policy.Term.Period; -1: none */
int weekday_parse(const char *text, size_t size); /* 0 Monday; -1: none */
bool minute_parse(const char *text, uint32_t *minute_out);
Policy__Term *term_of(struct compile *compile, json_t *node);
void options_of(struct compile *compile, json_t *item, Policy__TimeOptions **options_out);
Policy__Who *who_of(struct compile *compile, json_t *node);
void whos_of(struct compile *compile, json_t *node, Policy__Who ***list, size_t *count);
Policy__Condition *condition_of(struct compile *compile, json_t *node);
/* That holds for one part of this field, of which alone it speaks. */
Policy__Condition *condition_of_part(struct compile *compile, const char *parts, json_t *node);
Policy__Trigger *trigger_of(struct compile *compile, json_t *node, bool starts);
void triggers_of(struct compile *compile, json_t *node, bool starts, Policy__Trigger ***list, size_t *count);
Hb__Value *value_of(struct compile *compile, const char *fact, json_t *node);
/* The field a fact is of, as seen from where the compiler stands; NULL: none, or of a linked case. */
const Policy__FieldDef *fact_field(struct compile *compile, const char *fact);
int phase_of(const char *name); /* -1: no phase */

/* fields.c */
uint32_t number_of(struct compile *compile, json_t *node, uint32_t otherwise); /* `otherwise` when absent */
void field_of(struct compile *compile, const char *name, json_t *map, Policy__FieldDef *field);

/* chains.c: in the order in which a kind is compiled */
void chain_of(struct compile *compile, const char *name, json_t *map, Policy__Chain *chain);
void chains_steps(struct compile *compile);
void chains_rules(struct compile *compile, json_t *chains);
void limits_of(struct compile *compile, json_t *map);
void actions_of(struct compile *compile, json_t *map, Policy__Rule *rule); /* kinds.c */

/* clocks.c: a clock; then, when all of a kind are there, what `start: end of CLOCK` means */
void clock_of(struct compile *compile, const char *name, json_t *map, Policy__Clock *clock);
void clocks_ends(struct compile *compile);
void notice_known(struct compile *compile, const json_t *node, const char *name); /* kinds.c */

/* ladders.c */
void ladders_of(struct compile *compile, json_t *map);

/* patterns.c */
void patterns_of(struct compile *compile, json_t *map);

/* indicators.c: after the kinds */
void indicators_of(struct compile *compile, json_t *map);

/* schedules.c */
void schedules_of(struct compile *compile, json_t *map);

/* kinds.c, compile.c */
void kind_compile(struct compile *compile, const char *name, json_t *map, Policy__Kind *kind);
void kind_compile_rules(struct compile *compile, json_t *map, Policy__Kind *kind);
void nevers_of(struct compile *compile, json_t *map, Policy__Never ***list, size_t *count);

#endif
