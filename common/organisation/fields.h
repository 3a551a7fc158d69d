/* Fields as entered become what the policy says they are (layer 4). */
#ifndef HEARBACK_ORGANISATION_FIELDS_H
#define HEARBACK_ORGANISATION_FIELDS_H

#include "organisation/organisation.h"

#define FIELD_NAME_BYTES_MAX 200u
#define FIELD_OPEN_TEXT_BYTES_MAX 3000u /* a thousand characters: facts are kept by every service that folds them */

/* Parts are numbered without gaps: refuses (with `path`) a part that would leave one. */
void field_part_follows(struct turn *turn, const struct facts *facts, Hb__Field *const *fields, size_t count,
                        const char *name, const char *path);
/* The facts that say how many parts a field has, where the event adds some. */
void fields_count_parts(struct turn *turn, const struct facts *facts, Hb__Event *event);

/* Types one field in place: free text stays Personal, all else becomes a value; or turn_refuse with `path` and what is
   accepted. A field left empty loses its content. */
void field_type(struct turn *turn, const char *site, const Policy__FieldDef *def, Hb__Field *field, const char *path);

/* Refuses a plain text that has a phrase the policy forbids in this field, unless `actor` is one who may write it all
   the same, and says why. The only look at what a text says; it comes before sealing, and nothing of it is kept. */
void field_check_phrases(struct turn *turn, const char *site, const Policy__FieldDef *def, const Hb__Field *field,
                         const char *path, const struct facts *facts, const Hb__Actor *actor, bool says_why);

#endif
