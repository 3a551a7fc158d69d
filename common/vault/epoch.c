/* The file: "HBEK", a format byte (1), the number of keys, the keys, and a BLAKE2b-128 sum of all that,
   so that a half-copied file is told from a wrong one. */
#include "vault/epoch.h"

#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define HEAD_BYTES 6u
#define SUM_BYTES 16u
#define FILE_BYTES_MAX (HEAD_BYTES + EPOCH_KEYS_MAX * EPOCH_KEY_BYTES + SUM_BYTES)
#define PATH_BYTES_MAX 4096u

static const uint8_t magic[5] = {'H', 'B', 'E', 'K', 1};

static size_t file_bytes(unsigned count)
{
    return HEAD_BYTES + count * EPOCH_KEY_BYTES + SUM_BYTES;
}

static enum err parse(const uint8_t *data, size_t size, struct epoch_keys *keys_out)
{
    if (size < HEAD_BYTES || memcmp(data, magic, sizeof magic) != 0)
        return ERR_MALFORMED;
    unsigned count = data[5];
    if (count < 1 || count > EPOCH_KEYS_MAX || size != file_bytes(count))
        return ERR_MALFORMED;
    uint8_t sum[SUM_BYTES];
    crypto_generichash(sum, sizeof sum, data, size - SUM_BYTES, NULL, 0);
    if (sodium_memcmp(sum, data + size - SUM_BYTES, SUM_BYTES) != 0)
        return ERR_MALFORMED;
    keys_out->count = count;
    memcpy(keys_out->keys, data + HEAD_BYTES, count * EPOCH_KEY_BYTES);
    return ERR_NONE;
}

static enum err read_whole(int fd, uint8_t *data, size_t size_max, size_t *size_out)
{
    *size_out = 0;
    while (*size_out < size_max) {
        ssize_t got = read(fd, data + *size_out, size_max - *size_out);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return ERR_IO;
        if (got == 0)
            return ERR_NONE;
        *size_out += (size_t)got;
    }
    return ERR_NONE;
}

static enum err write_whole(int fd, const uint8_t *data, size_t size)
{
    while (size) {
        ssize_t put = write(fd, data, size);
        if (put < 0 && errno == EINTR)
            continue;
        if (put < 0)
            return errno == ENOSPC || errno == EDQUOT ? ERR_FULL : ERR_IO;
        data += put;
        size -= (size_t)put;
    }
    return fsync(fd) == 0 ? ERR_NONE : ERR_IO;
}

enum err epoch_load(const char *path, struct epoch_keys *keys_out)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return errno == ENOENT ? ERR_NOT_FOUND : errno == EACCES ? ERR_DENIED : ERR_IO;
    struct stat stat;
    uint8_t data[FILE_BYTES_MAX + 1]; /* one more, so that a longer file is seen to be longer */
    size_t size = 0;
    enum err err = fstat(fd, &stat) == 0 ? ERR_NONE : ERR_IO;
    if (!err && (stat.st_mode & 077))
        err = ERR_DENIED;
    if (!err)
        err = read_whole(fd, data, sizeof data, &size);
    close(fd);
    if (!err)
        err = parse(data, size, keys_out);
    sodium_memzero(data, sizeof data);
    return err;
}

static bool make(const char *folder)
{
    return mkdir(folder, 0700) == 0 || errno == EEXIST;
}

static enum err folder_of(const char *path, char folder_out[PATH_BYTES_MAX])
{
    const char *slash = strrchr(path, '/');
    size_t size = slash ? (size_t)(slash - path) : 0;
    if (strlen(path) + sizeof ".new" > PATH_BYTES_MAX)
        return ERR_TOO_LARGE;
    if (!slash || !size)
        memcpy(folder_out, slash ? "/" : ".", 2);
    else {
        memcpy(folder_out, path, size);
        folder_out[size] = 0;
    }
    if (make(folder_out))
        return ERR_NONE;
    char *above = errno == ENOENT ? strrchr(folder_out, '/') : NULL;
    if (!above || above == folder_out)
        return errno == ENOENT ? ERR_NOT_FOUND : ERR_IO;
    *above = 0;
    bool made = make(folder_out);
    *above = '/';
    return made && make(folder_out) ? ERR_NONE : errno == ENOENT ? ERR_NOT_FOUND : ERR_IO;
}

static enum err write_new(const char *path, const struct epoch_keys *keys)
{
    uint8_t data[FILE_BYTES_MAX];
    size_t size = file_bytes(keys->count);
    memcpy(data, magic, sizeof magic);
    data[5] = (uint8_t)keys->count;
    memcpy(data + HEAD_BYTES, keys->keys, keys->count * EPOCH_KEY_BYTES);
    crypto_generichash(data + size - SUM_BYTES, SUM_BYTES, data, size - SUM_BYTES, NULL, 0);
    unlink(path); /* left by a crash in between */
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    enum err err = fd >= 0 ? write_whole(fd, data, size) : errno == ENOSPC ? ERR_FULL : ERR_IO;
    if (fd >= 0)
        close(fd);
    sodium_memzero(data, sizeof data);
    return err;
}

/* The blocks of the replaced file are on the disk until they are used anew: blank them while the file is still
   open. A best effort, as on every disk that moves blocks about. */
static void blank(int fd)
{
    static const uint8_t zeros[FILE_BYTES_MAX];
    if (fd < 0)
        return;
    if (lseek(fd, 0, SEEK_SET) == 0 && write_whole(fd, zeros, sizeof zeros) == ERR_NONE)
        (void)!ftruncate(fd, 0);
    close(fd);
}

enum err epoch_save(const char *path, const struct epoch_keys *keys)
{
    char folder[PATH_BYTES_MAX], fresh[PATH_BYTES_MAX];
    enum err err = folder_of(path, folder);
    if (err)
        return err;
    snprintf(fresh, sizeof fresh, "%s.new", path);
    err = write_new(fresh, keys);
    if (err)
        return err;
    int old = open(path, O_WRONLY | O_CLOEXEC);
    err = rename(fresh, path) == 0 ? folder_sync(folder) : ERR_IO;
    if (err) {
        if (old >= 0)
            close(old);
        return err;
    }
    blank(old);
    return ERR_NONE;
}
