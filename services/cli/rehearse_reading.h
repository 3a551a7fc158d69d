/* Reading a scenario: what its files share. */
#ifndef HEARBACK_CLI_REHEARSE_READING_H
#define HEARBACK_CLI_REHEARSE_READING_H

#include "policy/lookup.h"
#include "rehearse_scenario.h"
#include "yaml/yaml.h"

struct known_case {
    const char *name;
    const Policy__Kind *kind;
};

struct reading {
    struct arena *arena;
    struct yaml_places places;
    struct scenario_mistakes *mistakes;
    struct scenario *scenario;
    const char *file;
    unsigned line; /* of the item at hand, for nodes made by the reader */
    const char *path;
    struct known_case *cases;
    size_t cases_count;
    struct scenario_clock clock;
    int64_t line_ms;
    const char *last_case; /* "" none */
    json_t *copies;        /* of the rows: kept, so that no place is taken for another's */
};

#define ADD(reading, list, count, item)                                                                                \
    do {                                                                                                               \
        (list) = arena_grow((reading)->arena, (list), (count), sizeof *(list));                                        \
        (list)[(count)++] = (item);                                                                                    \
    } while (0)

/* Both formats take the same arguments in the same order. */
void wrong(struct reading *reading, const json_t *node, const char *zh, const char *en, ...)
    __attribute__((format(printf, 3, 5), format(printf, 4, 5)));
void reading_add_mistake(struct reading *reading, const json_t *node, const char *zh, const char *en);
/* "X" is not one of these; the nearest and all that are accepted. */
void reading_wrong_word(struct reading *reading, const json_t *node, const char *zh, const char *en, const char *word,
                        const char *const *words, size_t count);
const char *reading_joined(struct reading *reading, const char *const *words, size_t count);
unsigned reading_line_of(const struct reading *reading, const json_t *node);
/* Both return the path to restore. */
const char *reading_enter(struct reading *reading, const char *name);
const char *reading_enter_index(struct reading *reading, size_t index);

bool reading_among(const char *word, const char *const *words, size_t count);
bool reading_only_keys(struct reading *reading, json_t *map, const char *const *keys, size_t count);
#define ONLY_KEYS(reading, map, ...)                                                                                   \
    ({                                                                                                                 \
        static const char *const keys_[] = {__VA_ARGS__};                                                              \
        reading_only_keys((reading), (map), keys_, sizeof keys_ / sizeof *keys_);                                      \
    })

/* rehearse_things.c */
void reading_things(struct reading *reading, json_t *map);
void reading_rosters(struct reading *reading, json_t *map, struct scenario_shift **list, size_t *count);
void reading_thing_line(struct reading *reading, struct scenario_line *line, json_t *map);
void reading_roster_line(struct reading *reading, struct scenario_line *line, json_t *map);
void reading_absent_line(struct reading *reading, struct scenario_line *line, json_t *map, const char *key);
void reading_delegate_line(struct reading *reading, struct scenario_line *line, json_t *map);
void reading_posts_line(struct reading *reading, struct scenario_line *line, json_t *map);

const char *reading_text_of(struct reading *reading, json_t *node); /* "" when absent */
char **reading_texts_of(struct reading *reading, json_t *node, size_t *count);
struct scenario_pair *reading_pairs_of(struct reading *reading, json_t *map, size_t *count);
bool reading_yes_of(struct reading *reading, json_t *node, bool otherwise);
int64_t reading_time_of(struct reading *reading, json_t *node);

#define NAMES(reading, list, count)                                                                                    \
    ({                                                                                                                 \
        const char **names_ = arena_alloc((reading)->arena, ((count) + 1) * sizeof *names_);                           \
        for (size_t i_ = 0; i_ < (count); i_++)                                                                        \
            names_[i_] = (list)[i_]->name;                                                                             \
        names_;                                                                                                        \
    })

const Policy__Kind *reading_kind_of(struct reading *reading, const json_t *node, const char *name);
const struct known_case *reading_case_find(const struct reading *reading, const char *name);
const struct known_case *reading_case_of(struct reading *reading, const json_t *node, const char *name);
void reading_case_add(struct reading *reading, const json_t *node, const char *name, const Policy__Kind *kind);
const char *reading_split(struct reading *reading, const char *text, const char **rest_out);
void reading_clock_known(struct reading *reading, const json_t *node, const Policy__Kind *kind, const char *clock);
void reading_field_known(struct reading *reading, const json_t *node, const Policy__Kind *kind, const char *field);
void reading_stage_known(struct reading *reading, const json_t *node, const Policy__Kind *kind, const char *stage);
void reading_settings_known(struct reading *reading, json_t *map);

/* rehearse_sees.c, rehearse_forms.c */
void reading_sees(struct reading *reading, struct scenario_line *line, json_t *map);
void reading_forms(struct reading *reading, struct scenario_line *line, json_t *map);

/* rehearse_indicators.c */
void reading_indicators(struct reading *reading, struct scenario_line *line, json_t *map);

/* rehearse_people.c, rehearse_expects.c, rehearse_lines.c */
void reading_people(struct reading *reading, json_t *map);
void reading_person_known(struct reading *reading, const json_t *node, const char *name);
struct expectation expectation_new(struct reading *reading, enum expect_what what, const json_t *node);
void expectation_add(struct reading *reading, struct scenario_line *line, struct expectation one);
void reading_expects(struct reading *reading, struct scenario_line *line, json_t *map, bool never);
void reading_run(struct reading *reading, json_t *run);

#endif
