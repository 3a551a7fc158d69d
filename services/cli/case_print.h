/* What the API says of a case, as lines for a person. The JSON stays what programs read (--json). */
#ifndef HEARBACK_CLI_CASE_PRINT_H
#define HEARBACK_CLI_CASE_PRINT_H

#include <jansson.h>

void case_print_file(const json_t *file);
void case_print_timeline(const json_t *timeline);
void case_print_explain(const json_t *explain);

#endif
