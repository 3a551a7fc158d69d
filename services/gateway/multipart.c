#include "multipart.h"

#include "json/json.h"

#include <string.h>
#include <strings.h>

/* ---- the boundary ---- */

static bool is_boundary(const char *text, size_t size)
{
    static const char sound[] = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ'()+_,-./:=?";
    for (size_t i = 0; i < size; i++)
        if (!text[i] || !strchr(sound, text[i]))
            return false;
    return size > 0 && size <= MULTIPART_BOUNDARY_MAX;
}

const char *multipart_boundary(struct arena *arena, const char *content_type)
{
    static const char type[] = "multipart/form-data";
    const char *at = content_type;
    if (!at || strncasecmp(at, type, sizeof type - 1) != 0 ||
        (at[sizeof type - 1] && !strchr("; \t", at[sizeof type - 1])))
        return NULL;
    for (at += sizeof type - 1; *at;) {
        at += strspn(at, "; \t");
        size_t name = strcspn(at, "=; \t");
        if (at[name] != '=')
            return NULL;
        const char *value = at + name + 1;
        bool quoted = *value == '"';
        value += quoted;
        size_t size = strcspn(value, quoted ? "\"" : "; \t");
        if (quoted && value[size] != '"')
            return NULL;
        if (name == 8 && strncasecmp(at, "boundary", 8) == 0)
            return is_boundary(value, size) ? arena_text(arena, value, size) : NULL;
        at = value + size + quoted;
    }
    return NULL;
}

/* ---- the head of a part ---- */

/* The value of name="..." among the parameters. Browsers write a quote, and line ends, as %22, %0D, %0A; all else as it
   is. NULL: there is none, or it is not as it should be; `*given_out` tells the two apart. */
static const char *parameter(struct arena *arena, const char *line, const char *wanted, bool *given_out)
{
    size_t wanted_size = strlen(wanted);
    *given_out = false;
    for (const char *at = strchr(line, ';'); at; at = strchr(at, ';')) {
        at += 1 + strspn(at + 1, " \t");
        bool found = strncasecmp(at, wanted, wanted_size) == 0 && at[wanted_size] == '=';
        size_t name = strcspn(at, "=;");
        if (at[name] != '=' || at[name + 1] != '"') {
            *given_out = *given_out || found;
            continue;
        }
        const char *value = at + name + 2, *end = strchr(value, '"');
        if (!end)
            return NULL;
        if (found && *given_out)
            return NULL; /* twice */
        if (found) {
            char *text = arena_text(arena, value, (size_t)(end - value)), *to = text;
            *given_out = true;
            for (const char *from = text; *from; from++) {
                bool quote = strncmp(from, "%22", 3) == 0,
                     space = strncasecmp(from, "%0D", 3) == 0 || strncasecmp(from, "%0A", 3) == 0;
                *to++ = quote ? '"' : space ? ' ' : *from;
                from += quote || space ? 2 : 0;
            }
            *to = 0;
            return text;
        }
        at = end + 1;
    }
    return NULL;
}

static bool is_field(const char *line, const char *name)
{
    size_t size = strlen(name);
    return strncasecmp(line, name, size) == 0 && line[size] == ':';
}

static bool take_disposition(struct arena *arena, const char *line, struct multipart_part *part)
{
    static const char form[] = "form-data";
    bool given;
    const char *value = strchr(line, ':') + 1;
    value += strspn(value, " \t");
    if (part->name || strncasecmp(value, form, sizeof form - 1) != 0 || value[sizeof form - 1] != ';')
        return false;
    part->name = parameter(arena, value, "name", &given);
    part->file = parameter(arena, value, "filename", &given);
    return part->name && *part->name && (part->file || !given);
}

/* Lines up to an empty one. The size of the head, with that; 0: it is none. */
static size_t read_head(struct arena *arena, struct bytes rest, struct multipart_part *part)
{
    size_t most = rest.size < MULTIPART_HEAD_BYTES_MAX ? rest.size : MULTIPART_HEAD_BYTES_MAX;
    part->type = "";
    for (size_t at = 0; at < most;) {
        const uint8_t *end = memmem(rest.data + at, most - at, "\r\n", 2);
        size_t size = end ? (size_t)(end - rest.data) - at : 0;
        if (!end)
            return 0;
        if (size == 0)
            return part->name ? at + 2 : 0;
        const char *line = arena_text(arena, (const char *)rest.data + at, size);
        if (strlen(line) != size || !utf8_valid(line, size) || *line == ' ' || *line == '\t' || !strchr(line, ':'))
            return 0;
        if (is_field(line, "Content-Disposition") && !take_disposition(arena, line, part))
            return 0;
        if (is_field(line, "Content-Transfer-Encoding"))
            return 0;
        if (is_field(line, "Content-Type")) {
            const char *type = strchr(line, ':') + 1;
            type += strspn(type, " \t");
            size_t type_size = strcspn(type, "; \t");
            part->type = arena_text(arena, type, type_size <= MULTIPART_TYPE_MAX ? type_size : 0);
        }
        at += size + 2;
    }
    return 0;
}

/* ---- the parts ---- */

static bool is_text(struct bytes content)
{
    return !memchr(content.data, 0, content.size) && utf8_valid((const char *)content.data, content.size);
}

bool multipart_read(struct arena *arena, struct bytes body, const char *boundary, struct multipart_part **parts_out,
                    size_t *count_out)
{
    char *mark = arena_printf(arena, "\r\n--%s", boundary);
    size_t mark_size = strlen(mark), at = mark_size - 2;
    *parts_out = NULL;
    *count_out = 0;
    if (body.size < at || memcmp(body.data, mark + 2, at) != 0)
        return false;
    for (;;) {
        struct multipart_part part = {0};
        if (body.size - at < 2)
            return false;
        if (memcmp(body.data + at, "--", 2) == 0) {
            at += 2;
            return body.size == at || (body.size == at + 2 && memcmp(body.data + at, "\r\n", 2) == 0);
        }
        if (memcmp(body.data + at, "\r\n", 2) != 0 || *count_out == MULTIPART_PARTS_MAX)
            return false;
        at += 2;
        size_t head = read_head(arena, bytes_of(body.data + at, body.size - at), &part);
        if (!head)
            return false;
        at += head;
        /* an empty content ends with the line end of its head */
        const uint8_t *end = memmem(body.data + at - 2, body.size - at + 2, mark, mark_size);
        if (!end)
            return false;
        const uint8_t *begin = body.data + at;
        part.content = bytes_of(begin, end < begin ? 0 : (size_t)(end - begin));
        if (!part.file && !is_text(part.content))
            return false;
        *parts_out = arena_grow(arena, *parts_out, *count_out, sizeof **parts_out);
        (*parts_out)[(*count_out)++] = part;
        at = (size_t)(end - body.data) + mark_size;
    }
}
