/* Somebody's export, row by row: nothing of the file is passed over in silence, a bad row does not stop the next, and
   what was read is written and read again as the same. */
#include "fuzz.h"

#include "csv.h"

/* All of it as one who imports reads it: a record at a time, forgotten before the next. */
static void check_memory(struct bytes text)
{
    struct arena arena;
    struct csv csv;
    struct csv_record record;
    arena_init(&arena);
    fuzz_memory_begin();
    for (csv_open(&csv, text); csv_next(&csv, &arena, &record) != CSV_END; arena_reset(&arena))
        ;
    fuzz_memory_end(text.size);
    arena_fini(&arena);
}

static void check_fields(const struct csv_record *record)
{
    must(record->count >= 1 && record->count <= CSV_COLUMNS_MAX && record->raw_size <= CSV_RECORD_BYTES_MAX);
    for (unsigned i = 0; i < record->count; i++)
        must(utf8_valid(record->fields[i], strlen(record->fields[i])));
}

/* Behind a header, so that a byte order mark is one of the field's own. */
static void check_again(const struct csv_record *record, struct arena *arena)
{
    char *text = arena_strdup(arena, "a\n");
    for (unsigned i = 0; i < record->count; i++)
        text = arena_printf(arena, "%s%s%s", text, i ? "," : "", csv_quote(arena, record->fields[i]));
    struct csv csv;
    struct csv_record again;
    csv_open(&csv, bytes_of_text(arena_printf(arena, "%s\r\n", text)));
    must(csv_next(&csv, arena, &again) == CSV_RECORD && csv_next(&csv, arena, &again) == CSV_RECORD);
    must(again.count == record->count);
    for (unsigned i = 0; i < record->count; i++)
        must(strcmp(again.fields[i], record->fields[i]) == 0);
    must(csv_next(&csv, arena, &again) == CSV_END);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena;
    struct csv csv;
    struct csv_record record;
    enum csv_result result;
    const char *at = (const char *)data;
    unsigned line = 0, written = 0;
    check_memory(bytes_of(data, size));
    arena_init(&arena);
    csv_open(&csv, bytes_of(data, size));
    if (size >= 3 && memcmp(data, "\xEF\xBB\xBF", 3) == 0)
        at += 3;
    while ((result = csv_next(&csv, &arena, &record)) != CSV_END) {
        must(record.raw == at && record.raw_size > 0); /* where the last one ended */
        must(record.line > line && (result == CSV_BAD) == (record.why != NULL));
        at += record.raw_size;
        line = record.line;
        if (result == CSV_RECORD) {
            check_fields(&record);
            if (written++ < 16)
                check_again(&record, &arena);
        }
    }
    must(at == (const char *)data + size || (size < 3 && at == (const char *)data));
    arena_fini(&arena);
    return 0;
}
