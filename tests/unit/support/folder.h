/* Folders of tests: removed and copied with all they hold, without a shell. */
#ifndef HEARBACK_TESTS_FOLDER_H
#define HEARBACK_TESTS_FOLDER_H

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FOLDER_DEPTH_OPEN 16 /* file descriptors that nftw may use */

static inline int folder_remove_entry(const char *path, const struct stat *about, int kind, struct FTW *at)
{
    (void)about;
    (void)kind;
    (void)at;
    return remove(path);
}

/* True when it is gone, or was not there. */
static inline bool folder_remove(const char *path)
{
    return nftw(path, folder_remove_entry, FOLDER_DEPTH_OPEN, FTW_DEPTH | FTW_PHYS) == 0 || errno == ENOENT;
}

/* Stretches of zeros become holes: what a store has reserved and not used takes no room in the copy. */
static inline bool folder_copy_bytes(int from, int to)
{
    static const uint8_t zeros[4096];
    uint8_t page[sizeof zeros];
    ssize_t size;
    off_t at = 0;
    while ((size = read(from, page, sizeof page)) > 0) {
        bool empty = memcmp(page, zeros, (size_t)size) == 0;
        if (!empty && pwrite(to, page, (size_t)size, at) != size)
            return false;
        at += size;
    }
    return size == 0 && ftruncate(to, at) == 0;
}

/* A file and who may read it. */
static inline bool folder_copy_file(const char *from, const char *to)
{
    struct stat about;
    int in = open(from, O_RDONLY | O_CLOEXEC), out = -1;
    bool good = in >= 0 && fstat(in, &about) == 0 &&
                (out = open(to, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, about.st_mode & 0777)) >= 0 &&
                fchmod(out, about.st_mode & 0777) == 0 && folder_copy_bytes(in, out);
    if (in >= 0)
        close(in);
    if (out >= 0)
        good = close(out) == 0 && good;
    return good;
}

static const char *folder_copy_from, *folder_copy_to;

static inline int folder_copy_entry(const char *path, const struct stat *about, int kind, struct FTW *at)
{
    char to[4096];
    (void)at;
    snprintf(to, sizeof to, "%s%s", folder_copy_to, path + strlen(folder_copy_from));
    bool good = kind == FTW_D ? mkdir(to, about->st_mode & 0777) == 0 : folder_copy_file(path, to);
    return good ? 0 : 1;
}

/* `to` must not be there yet. */
static inline bool folder_copy(const char *from, const char *to)
{
    folder_copy_from = from;
    folder_copy_to = to;
    return nftw(from, folder_copy_entry, FOLDER_DEPTH_OPEN, FTW_PHYS) == 0;
}

#endif
