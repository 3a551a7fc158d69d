/* The other cells: as the configuration knows them, and as the link and their hearers find them. */
#ifndef HEARBACK_CLI_CELL_H
#define HEARBACK_CLI_CELL_H

#include "cli.h"

/* One object a cell: cell, name, relation, link ("up" or why not), heard, behind, as_of, problem. */
json_t *cells_look(struct cli *cli);
void cells_print(const json_t *cells);

#endif
