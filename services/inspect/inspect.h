/* What is this file, by its bytes, and what of it is kept? One file to a process, which can do nothing but answer
   (sandbox.c). The name and the type that came with it decide nothing but which kind of text a text is. */
#ifndef HEARBACK_INSPECT_H
#define HEARBACK_INSPECT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define INSPECT_BYTES_MAX (10u << 20)
#define INSPECT_PIXELS_MAX 200000000u /* more would only exhaust whoever looks at it */
#define INSPECT_SIDE_MAX 65500u
#define INSPECT_UNPACKED_BYTES_MAX (200ull << 20)
#define INSPECT_RATIO_MAX 200u /* of what an archive unpacks to; office files are at 20 */

struct piece {
    const uint8_t *data;
    size_t size;
};
/* Where what is kept is written: `room` is the file's size, and a little more. */
struct kept {
    uint8_t *data;
    size_t size, room;
};
#define KEPT_EXTRA 64u

enum found {
    FOUND_GOOD,
    FOUND_TYPE,    /* not one of the accepted ones */
    FOUND_DAMAGED, /* it ends too early, or is not what it begins as */
    FOUND_MIXED,   /* two kinds at once */
    FOUND_HUGE,    /* too many pixels, or unpacks to too much */
    FOUND_ACTIVE,  /* it has macros */
};

/* `claimed`: media type; `extension`: without the dot, lower case. `*type_out` lives for good; of FOUND_TYPE it is what
   it was taken for, which lives until the next call. */
struct magic_set;
enum found inspect(struct magic_set *magic, struct piece file, const char *claimed, const char *extension,
                   struct kept *kept, const char **type_out);

/* The container is walked, and all that is not the picture (places, times, serial numbers, comments, what stands behind
   its end) is left out. */
enum found strip_jpeg(struct piece file, struct kept *kept);
enum found strip_png(struct piece file, struct kept *kept);
enum found strip_webp(struct piece file, struct kept *kept);
enum found strip_gif(struct piece file, struct kept *kept);
enum found strip_boxes(struct piece file, struct kept *kept, bool picture); /* HEIC, MP4, M4A: blanked in place */

enum found strip_mp3(struct piece file, struct kept *kept);
enum found strip_wav(struct piece file, struct kept *kept);

/* properties.c: blanked where it stands, as far as it stands open */
enum found blank_pdf(struct piece file, struct kept *kept);
enum found blank_office(struct piece file, struct kept *kept); /* of which archive_look says which it is */

/* archive.c: which office file is this? NULL: none. */
enum found archive_look(struct piece file, const char **type_out);
size_t archive_list(struct piece file,
                    size_t *at_out);  /* of one that was found good: its entries, and where the first is */
bool archive_ends(struct piece file); /* does an archive end where the file ends? */

/* text.c */
bool text_is_mail(struct piece file); /* begins with the fields of a message's head */
bool text_is_plain(struct piece file);

/* After this the process may compute, read, write and end. False: it cannot be confined. */
bool sandbox_enter(void);

/* ---- reading bounded bytes ---- */
static inline uint32_t be16(const uint8_t *at)
{
    return (uint32_t)at[0] << 8 | at[1];
}
static inline uint32_t be32(const uint8_t *at)
{
    return be16(at) << 16 | be16(at + 2);
}
static inline uint64_t be64(const uint8_t *at)
{
    return (uint64_t)be32(at) << 32 | be32(at + 4);
}
static inline uint32_t le16(const uint8_t *at)
{
    return (uint32_t)at[1] << 8 | at[0];
}
static inline uint32_t le32(const uint8_t *at)
{
    return le16(at + 2) << 16 | le16(at);
}
/* False: there is no room, which cannot be unless the walk is wrong. */
bool keep(struct kept *kept, const uint8_t *data, size_t size);
bool too_many_pixels(uint64_t width, uint64_t height);

#endif
