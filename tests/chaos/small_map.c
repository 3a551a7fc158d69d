/* Preloaded into a program: every store has a map of at most HEARBACK_MAP_BYTES, so that it is soon full while the disk
   is not. */
#include <dlfcn.h>
#include <lmdb.h>
#include <stdlib.h>

int mdb_env_set_mapsize(MDB_env *env, size_t size)
{
    const char *most = getenv("HEARBACK_MAP_BYTES");
    int (*set)(MDB_env *, size_t) = (int (*)(MDB_env *, size_t))dlsym(RTLD_NEXT, "mdb_env_set_mapsize");
    size_t bytes = most ? strtoull(most, NULL, 10) : size;
    return set(env, bytes < size ? bytes : size);
}
