/* A backup as restore finds it: its manifest, the file of its keys, or the list of erasures is not what we wrote; the
   list with the check that fits its lines, and without.
   Nothing of it may be restored, and nothing may lie in the new folder but what says so. */
#include "fuzz.h"

#include "backup.h"

#include <getopt.h>
#include <sodium.h>
#include <stdio.h>
#include <sys/stat.h>

static void put(struct arena *arena, const char *name, struct bytes text)
{
    FILE *file = fopen(arena_printf(arena, "%s/%s", fuzz_folder(), name), "wbe");
    must(file && fwrite(text.data, 1, text.size, file) == text.size && fclose(file) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const names[] = {"cut/manifest.json", "keys.json", "erasures"};
    static const char *const sound[] = {"{\"format\":1,\"version\":\"1\",\"cell\":\"00000000000000ab\"}\n",
                                        "{\"cell\":\"00000000000000ab\"}\n", "00000000000000ff\n"};
    char digits[65];
    uint8_t hash[32];
    static bool quiet;
    struct cli cli = {0};
    if (size == 0)
        return 0;
    if (!quiet) {
        must(sodium_init() >= 0);
        stderr = fopen("/dev/null", "we"); /* what it refuses; sanitizers and `must` write to the descriptor */
    }
    quiet = true;
    arena_init(&cli.arena);
    mkdir(arena_printf(&cli.arena, "%s/cut", fuzz_folder()), 0700);
    for (unsigned i = 0; i < 3; i++)
        put(&cli.arena, names[i], data[0] % 3 == i ? bytes_of(data + 1, size - 1) : bytes_of_text(sound[i]));
    if (data[0] % 3 != 2 || data[0] >= 128) { /* no mutation guesses a hash */
        struct bytes lines = data[0] % 3 == 2 ? bytes_of(data + 1, size - 1) : bytes_of_text(sound[2]);
        crypto_generichash(hash, sizeof hash, lines.data, lines.size, NULL, 0);
        sodium_bin2hex(digits, sizeof digits, hash, sizeof hash);
        FILE *file = fopen(arena_printf(&cli.arena, "%s/erasures", fuzz_folder()), "abe");
        must(file && fprintf(file, "check %s\n", digits) > 0 && fclose(file) == 0);
    }
    cli.folder = arena_printf(&cli.arena, "%s/new", fuzz_folder());
    char *arguments[] = {"restore",    arena_printf(&cli.arena, "%s/cut", fuzz_folder()),
                         "--keys",     arena_printf(&cli.arena, "%s/keys.json", fuzz_folder()),
                         "--erasures", arena_printf(&cli.arena, "%s/erasures", fuzz_folder()),
                         NULL};
    optind = 0; /* begins anew */
    fuzz_memory_begin();
    must(cli_restore(&cli, 6, arguments) == CLI_FAILED); /* it has no configuration and no log */
    fuzz_memory_end(size);
    arena_fini(&cli.arena);
    return 0;
}
