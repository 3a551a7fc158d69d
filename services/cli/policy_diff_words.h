/* What is written in a policy, said to people. */
#ifndef HEARBACK_CLI_POLICY_DIFF_WORDS_H
#define HEARBACK_CLI_POLICY_DIFF_WORDS_H

#include "cli.h"

struct diff_words {
    struct arena *arena; /* in which what is said lives */
    bool english;
    json_t *old, *fresh; /* the two policies, merged: whose names are looked up, the new one's first */
};

/* A word of the notation; NULL: none that people are told. */
const char *diff_key_text(const struct diff_words *say, const char *key);
/* A name, "head of lead", "3 working days": as the policy calls it, else as it is. */
const char *diff_word_text(const struct diff_words *say, const char *text);
const char *diff_value_text(const struct diff_words *say, json_t *value);

#endif
