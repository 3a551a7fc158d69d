/* destroy_key VAULT EPOCH_KEY_FILE KEY_ID: what an erasure does to the vault of a stopped intake. There is no command
 * for it yet. */
#include "vault/vault.h"

#include <stdio.h>
#include <stdlib.h>

int main(int count, char **words)
{
    if (count != 4)
        return 2;
    struct arena arena;
    struct vault *vault;
    const char *why = "";
    uint64_t key = strtoull(words[3], NULL, 10);
    struct vault_options options = {.folder = words[1], .epoch_path = words[2]};
    arena_init(&arena);
    enum err err = vault_open_dir(&options, &arena, &vault, &why);
    if (!err) {
        err = vault_destroy(vault, &key, 1);
        vault_close(vault);
    }
    if (err)
        fprintf(stderr, "%s: %s %s\n", words[1], err_text(err), why ? why : "");
    arena_fini(&arena);
    return err ? 1 : 0;
}
