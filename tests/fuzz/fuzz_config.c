/* The configuration file: what is accepted is written and read back as itself, whatever stands in its texts. */
#include "fuzz.h"

#include "config/config.h"
#include "message/message.h"

#include <stdio.h>

static void write_file(const char *path, const uint8_t *data, size_t size)
{
    FILE *file = fopen(path, "wbe");
    must(file && fwrite(data, 1, size, file) == size && fclose(file) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena;
    arena_init(&arena);
    char *path = arena_printf(&arena, "%s/config.yaml", fuzz_folder()), *why = NULL;
    Config__Config *config, *again;
    write_file(path, data, size);
    fuzz_memory_begin();
    enum err err = config_load(path, &arena, &config, &why);
    fuzz_memory_end_yaml(size);
    must((err != ERR_NONE) == (why != NULL));
    must(!why || strstr(why, "config.yaml"));
    if (!err) {
        must(config_save(path, config) == ERR_NONE);
        must(config_load(path, &arena, &again, &why) == ERR_NONE);
        must(fuzz_same((ProtobufCMessage *)config, (ProtobufCMessage *)again, &arena));
        for (size_t i = 0; i < config->n_instances; i++)
            must(config_instance(config, config->instances[i]->service, config->instances[i]->partition) ==
                 config->instances[i]);
    }
    arena_fini(&arena);
    return 0;
}
