/* A form with files as a stranger's program sends it: the first line is its Content-Type, the rest the body. Every part
   lies within the body; what was read, written as browsers do, is read again the same. */
#include "fuzz.h"

#include "multipart.h"
#include "json/json.h"

#include <string.h>

static struct bytes add(struct arena *arena, struct bytes to, struct bytes more)
{
    uint8_t *all = arena_alloc(arena, to.size + more.size + 1);
    memcpy(all, to.data, to.size);
    if (more.size)
        memcpy(all + to.size, more.data, more.size);
    return bytes_of(all, to.size + more.size);
}

static bool is_plain(const char *name)
{
    return !strpbrk(name, "\"%\r\n");
}

/* False: it has a name that is written otherwise than it is read, or a head that became too long by our blanks. */
static bool write_again(struct arena *arena, const struct multipart_part *parts, size_t count, const char *boundary,
                        struct bytes *body_out)
{
    struct bytes body = bytes_of((const uint8_t *)"", 0);
    for (size_t i = 0; i < count; i++) {
        if (!is_plain(parts[i].name) || (parts[i].file && !is_plain(parts[i].file)))
            return false;
        char *head = arena_printf(arena, "--%s\r\nContent-Disposition: form-data; name=\"%s\"%s%s%s\r\n%s%s%s\r\n",
                                  boundary, parts[i].name, parts[i].file ? "; filename=\"" : "",
                                  parts[i].file ? parts[i].file : "", parts[i].file ? "\"" : "",
                                  *parts[i].type ? "Content-Type: " : "", parts[i].type, *parts[i].type ? "\r\n" : "");
        if (strlen(head) - strlen("--\r\n") - strlen(boundary) > MULTIPART_HEAD_BYTES_MAX)
            return false;
        body = add(arena, add(arena, add(arena, body, bytes_of_text(head)), parts[i].content), bytes_of_text("\r\n"));
    }
    *body_out = add(arena, body, bytes_of_text(arena_printf(arena, "--%s--\r\n", boundary)));
    return true;
}

static void read_one(struct arena *arena, struct bytes body, const char *type, size_t size)
{
    struct multipart_part *parts, *again;
    size_t count, count_again;
    const char *boundary = multipart_boundary(arena, type);
    if (!boundary)
        return;
    must(*boundary && strlen(boundary) <= MULTIPART_BOUNDARY_MAX);
    fuzz_memory_begin();
    bool good = multipart_read(arena, body, boundary, &parts, &count);
    fuzz_memory_end_within(32 * size + (2u << 20)); /* each line of a head is kept, and the list grows by doubling */
    if (!good)
        return;
    must(count <= MULTIPART_PARTS_MAX);
    for (size_t i = 0; i < count; i++) {
        must(parts[i].name && *parts[i].name && utf8_valid(parts[i].name, strlen(parts[i].name)) && parts[i].type);
        must(parts[i].content.data >= body.data && parts[i].content.size <= body.size &&
             parts[i].content.data + parts[i].content.size <= body.data + body.size);
        must(parts[i].file || utf8_valid((const char *)parts[i].content.data, parts[i].content.size));
    }
    struct bytes written;
    if (!write_again(arena, parts, count, boundary, &written))
        return;
    must(multipart_read(arena, written, boundary, &again, &count_again) && count_again == count);
    for (size_t i = 0; i < count; i++) {
        must(strcmp(again[i].name, parts[i].name) == 0 && !again[i].file == !parts[i].file);
        must(!parts[i].file || strcmp(again[i].file, parts[i].file) == 0);
        must(bytes_equal(again[i].content, parts[i].content));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena;
    const uint8_t *line = memchr(data, '\n', size);
    if (!line)
        return 0;
    arena_init(&arena);
    char *type = arena_text(&arena, (const char *)data, (size_t)(line - data));
    read_one(&arena, bytes_of(line + 1, size - (size_t)(line + 1 - data)), type, size);
    arena_fini(&arena);
    return 0;
}
