/* How the rows of somebody else's export become cases: a YAML file, shipped (services/directory/mappings) or given by
   path. It names the site and what the site needs, and says which column is what. */
#ifndef HEARBACK_CLI_MAPPING_H
#define HEARBACK_CLI_MAPPING_H

#include "cli.h"
#include "csv.h"

#define MAPPING_TEXTS_MAX 8u

struct mapping {
    const char *name, *source, *kind, *site, *zone;
    json_t *root;    /* the whole file, for what is sent on as it is */
    json_t *columns; /* external_id received category channel department text place */
    json_t *fields;  /* field of the kind -> column */
    json_t *steps;   /* [{step, at: column, fields: {field: column}}] */
};

/* NULL after saying why. */
struct mapping *mapping_load(struct cli *cli, const char *name);
/* Every column the mapping reads must be in the header; says which are missing. */
bool mapping_check_header(const struct mapping *mapping, const struct csv_record *header);
/* The organisation it needs (directory.Organise as JSON, in two parts: people name departments), with the departments
   that stand in the file. */
json_t *mapping_organisation(struct cli *cli, const struct mapping *mapping, char *const *departments, size_t count);
/* "PWDx" -> "pwdx": an id of directory. */
char *mapping_department(struct cli *cli, const char *name);

#endif
