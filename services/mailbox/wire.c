/* What was read of a mail, from the process that read it to the one that has the token: four bytes of size, a JSON
   object, the files one after the other. The reader believes none of it: whoever reads hostile mail may be taken over.
 */
#include "mailbox.h"

#include "base/json_text.h"

#include <stdlib.h>

#define JSON_BYTES_MAX (1u << 20)

static json_t *files_json(const struct mail *mail)
{
    json_t *list = json_array();
    for (size_t i = 0; i < mail->files_count; i++)
        json_array_append_new(list, json_pack("{s:s, s:s, s:I}", "name", mail->files[i].name, "type",
                                              mail->files[i].type, "size", (json_int_t)mail->files[i].content.size));
    return list;
}

struct bytes wire_pack(const struct mail *mail, struct arena *arena)
{
    json_t *answered = json_array();
    for (size_t i = 0; i < mail->answered_count; i++)
        json_array_append_new(answered, json_string(mail->answered[i]));
    json_t *json =
        json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:b, s:s, s:o, s:I, s:o, s:I}", "message_id", mail->message_id,
                  "name", mail->name, "address", mail->address, "subject", mail->subject, "date", mail->date, "text",
                  mail->text, "cut", mail->cut, "automatic", mail->automatic, "answered", answered, "received_ms",
                  (json_int_t)mail->received_ms, "files", files_json(mail), "left_out", (json_int_t)mail->left_out);
    char *text = json ? json_dumps(json, JSON_COMPACT) : NULL;
    json_decref(json);
    bug_unless(text);
    struct bytes head = bytes_of_text(text);
    size_t size = head.size, whole = 4 + size;
    for (size_t i = 0; i < mail->files_count; i++)
        whole += mail->files[i].content.size;
    uint8_t *out = arena_alloc(arena, whole), *to = out + 4 + size;
    bytes_put_u32(out, (uint32_t)size);
    memcpy(out + 4, head.data, size);
    free(text);
    for (size_t i = 0; i < mail->files_count; to += mail->files[i++].content.size)
        if (mail->files[i].content.size)
            memcpy(to, mail->files[i].content.data, mail->files[i].content.size);
    return bytes_of(out, whole);
}

struct unpacking {
    struct arena *arena;
    json_t *json;
    bool wrong;
};

static const char *text_of(struct unpacking *unpacking, const json_t *map, const char *name, size_t characters_max)
{
    const json_t *text = json_object_get(map, name);
    const char *value = json_string_value(text);
    if (!value || strlen(value) != json_string_length(text) || value[text_fitting(value, characters_max, SIZE_MAX)]) {
        unpacking->wrong = true;
        return "";
    }
    return arena_strdup(unpacking->arena, value);
}

static int64_t number_of(struct unpacking *unpacking, const json_t *map, const char *name, int64_t most)
{
    const json_t *number = json_object_get(map, name);
    json_int_t value = json_integer_value(number);
    unpacking->wrong = unpacking->wrong || !json_is_integer(number) || value < 0 || value > most;
    return unpacking->wrong ? 0 : value;
}

static void files_of(struct unpacking *unpacking, struct bytes rest, struct mail *mail)
{
    const json_t *list = json_object_get(unpacking->json, "files"), *file;
    size_t i, count = json_array_size(list);
    if (!json_is_array(list) || count > MAIL_FILES_MAX) {
        unpacking->wrong = true;
        return;
    }
    mail->files = arena_zero(unpacking->arena, (count + 1) * sizeof *mail->files);
    json_array_foreach(list, i, file) {
        size_t size = (size_t)number_of(unpacking, file, "size", MAIL_FILE_BYTES_MAX);
        if (size > rest.size)
            unpacking->wrong = true;
        if (unpacking->wrong)
            return;
        const char *type = text_of(unpacking, file, "type", 100); /* stands in a header of ours */
        if (!*type || type[strspn(type, "abcdefghijklmnopqrstuvwxyz0123456789/+-._")])
            unpacking->wrong = true;
        mail->files[mail->files_count++] =
            (struct mail_file){text_of(unpacking, file, "name", 200), type, bytes_of(rest.data, size)};
        rest = bytes_of(rest.data + size, rest.size - size);
    }
    unpacking->wrong = unpacking->wrong || rest.size;
}

static void all_of(struct unpacking *unpacking, struct bytes rest, struct mail *mail)
{
    const json_t *json = unpacking->json, *answered = json_object_get(json, "answered");
    mail->message_id = text_of(unpacking, json, "message_id", MAIL_LINE_CHARACTERS_MAX);
    mail->name = text_of(unpacking, json, "name", MAIL_LINE_CHARACTERS_MAX);
    mail->address = text_of(unpacking, json, "address", MAIL_LINE_CHARACTERS_MAX);
    mail->subject = text_of(unpacking, json, "subject", MAIL_LINE_CHARACTERS_MAX);
    mail->date = text_of(unpacking, json, "date", MAIL_LINE_CHARACTERS_MAX);
    mail->text = text_of(unpacking, json, "text", MAIL_TEXT_CHARACTERS_MAX);
    mail->automatic = text_of(unpacking, json, "automatic", MAIL_LINE_CHARACTERS_MAX);
    mail->cut = json_is_true(json_object_get(json, "cut"));
    mail->received_ms = number_of(unpacking, json, "received_ms", INT64_MAX);
    mail->left_out = (size_t)number_of(unpacking, json, "left_out", UINT32_MAX);
    unpacking->wrong = unpacking->wrong || json_array_size(answered) > MAIL_ANSWERED_MAX;
    for (size_t i = 0; !unpacking->wrong && i < json_array_size(answered); i++) {
        json_t *one = json_pack("{s:O}", "id", json_array_get(answered, i));
        mail->answered = arena_grow(unpacking->arena, mail->answered, mail->answered_count, sizeof *mail->answered);
        mail->answered[mail->answered_count++] = text_of(unpacking, one, "id", MAIL_LINE_CHARACTERS_MAX);
        json_decref(one);
    }
    files_of(unpacking, rest, mail);
}

bool wire_unpack(struct bytes bytes, struct arena *arena, struct mail *mail_out)
{
    struct unpacking unpacking = {.arena = arena};
    unsigned line;
    const char *why;
    *mail_out = (struct mail){0};
    uint32_t size = bytes.size < 4 ? UINT32_MAX : bytes_get_u32(bytes.data);
    if (size > JSON_BYTES_MAX || size > bytes.size - 4 ||
        !json_text_bounded(bytes_of(bytes.data + 4, size), &line, &why))
        return false;
    unpacking.json = json_loadb((const char *)bytes.data + 4, size, JSON_REJECT_DUPLICATES, NULL);
    if (!unpacking.json)
        return false;
    all_of(&unpacking, bytes_of(bytes.data + 4 + size, bytes.size - 4 - size), mail_out);
    json_decref(unpacking.json);
    return !unpacking.wrong;
}
