/* A mapping file somebody wrote for his export: refused with its line, or all that is made of it can be asked for. */
#include "fuzz.h"

#include "mapping.h"

#include <stdio.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static char *header[] = {"CASE_ENQUIRY_ID", "open_dt", "REASON", "Source", "Department"};
    struct cli cli = {0};
    struct csv_record columns = {.fields = header, .count = sizeof header / sizeof *header};
    static bool quiet;
    if (!quiet)
        stderr = fopen("/dev/null", "we"); /* what it refuses; sanitizers and `must` write to the descriptor */
    quiet = true;
    arena_init(&cli.arena);
    char *path = arena_printf(&cli.arena, "%s/m.yaml", fuzz_folder());
    FILE *file = fopen(path, "wbe");
    must(file && fwrite(data, 1, size, file) == size && fclose(file) == 0);
    fuzz_memory_begin();
    struct mapping *mapping = mapping_load(&cli, path);
    fuzz_memory_end_yaml(size);
    if (mapping) {
        must(*mapping->name && *mapping->source && *mapping->kind && *mapping->site && *mapping->zone);
        mapping_check_header(mapping, &columns);
        json_t *organisation = mapping_organisation(&cli, mapping, header, columns.count);
        must(organisation);
        json_decref(organisation);
        json_decref(mapping->root);
    }
    arena_fini(&cli.arena);
    return 0;
}
