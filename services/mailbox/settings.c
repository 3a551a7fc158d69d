/* The configuration: whose mailbox it is, and what its mails become. Every mistake has its line, and says what is
 * accepted. */
#include "mailbox.h"

#include "base/file.h"
#include "base/number.h"
#include "yaml/yaml.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#define SECRET_BYTES_MAX 1024u

struct reading {
    struct arena *arena;
    struct yaml_places places;
    const char *path;
    const char *why; /* the first mistake; NULL: none */
};

static void wrong(struct reading *reading, const json_t *node, const char *what)
{
    struct yaml_place place = yaml_place_of(&reading->places, node);
    if (!reading->why)
        reading->why = arena_printf(reading->arena, "%s:%u: %s", reading->path, place.line ? place.line : 1, what);
}

static void only(struct reading *reading, json_t *map, const char *const *keys, size_t count)
{
    const char *key;
    json_t *value;
    if (map && !json_is_object(map))
        wrong(reading, map,
              arena_printf(reading->arena, "a map is accepted here, of: %s",
                           arena_join(reading->arena, keys, count, " ")));
    json_object_foreach(map, key, value) {
        bool known = false;
        for (size_t i = 0; i < count; i++)
            known = known || strcmp(keys[i], key) == 0;
        if (!known)
            wrong(reading, value,
                  arena_printf(reading->arena, "\"%s\" is not known here; accepted: %s", key,
                               arena_join(reading->arena, keys, count, " ")));
    }
}
#define ONLY(reading, map, ...)                                                                                        \
    do {                                                                                                               \
        static const char *const keys_[] = {__VA_ARGS__};                                                              \
        only((reading), (map), keys_, sizeof keys_ / sizeof *keys_);                                                   \
    } while (0)

static const char *text_of(struct reading *reading, json_t *map, const char *key, const char *otherwise)
{
    json_t *node = json_object_get(map, key);
    if (node && (!json_is_string(node) || strpbrk(json_string_value(node), "\r\n")))
        wrong(reading, node, arena_printf(reading->arena, "%s: one line of text is accepted", key));
    const char *text = json_string_value(node);
    return arena_strdup(reading->arena, text && *text ? text : otherwise);
}

static const char *needed(struct reading *reading, json_t *map, const char *key, const char *what)
{
    const char *text = text_of(reading, map, key, "");
    if (!*text)
        wrong(reading, json_object_get(map, key) ? json_object_get(map, key) : map,
              arena_printf(reading->arena, "%s is missing: %s", key, what));
    return text;
}

/* scheme://host[:port], nothing behind it: who signs in stands elsewhere, and must not come into logs. */
static void url_ok(struct reading *reading, json_t *map, const char *key, const char *url, const char *scheme,
                   const char *secure, const char *example)
{
    size_t size = strlen(scheme), secure_size = strlen(secure);
    const char *host = strncmp(url, scheme, size) == 0          ? url + size
                       : strncmp(url, secure, secure_size) == 0 ? url + secure_size
                                                                : "";
    if (!*host || strpbrk(host, "/@?#; \t\"<>\\"))
        wrong(reading, json_object_get(map, key), arena_printf(reading->arena, "%s: accepted is %s", key, example));
}

/* As the server spells it. Quotation marks and lines would be commands. */
static const char *folder_of(struct reading *reading, json_t *map, const char *key, const char *otherwise)
{
    const char *name = text_of(reading, map, key, otherwise);
    for (const char *c = name; *c; c++)
        if (*c < ' ' || *c > '~' || strchr("\"\\{}*%;", *c)) {
            wrong(reading, json_object_get(map, key),
                  arena_printf(reading->arena,
                               "%s: the name of a folder in ASCII is accepted, without \" \\ { } * %% ; (other letters "
                               "in IMAP's own spelling, modified UTF-7)",
                               key));
            break;
        }
    return name;
}

static void fields_of(struct reading *reading, json_t *map, struct settings *settings)
{
    json_t *fields = json_object_get(map, "fields"), *value;
    const char *name;
    if (fields && !json_is_object(fields))
        wrong(reading, fields, "fields: a map of names and texts is accepted, as {urgency: normal}");
    json_object_foreach(fields, name, value)
        if (!json_is_string(value))
            wrong(reading, value, arena_printf(reading->arena, "fields.%s: a text is accepted", name));
    settings->fields = reading->why ? NULL : json_deep_copy(fields);
}

static bool is_loopback(const char *url)
{
    const char *host = strstr(url, "://");
    host = host ? host + 3 : url;
    return strncmp(host, "127.", 4) == 0 || strncmp(host, "[::1]", 5) == 0 || strncmp(host, "localhost", 9) == 0;
}

static void imap_of(struct reading *reading, json_t *map, struct settings *settings)
{
    uint64_t every = 60;
    ONLY(reading, map, "url", "user", "password_file", "folder", "taken", "aside", "every");
    settings->imap.url = settings->imap.user = settings->imap.password_file = "";
    if (!map)
        return;
    settings->imap.url = needed(reading, map, "url", "imaps://mail.example.org");
    url_ok(reading, map, "url", settings->imap.url, "imap://", "imaps://",
           "imaps://mail.example.org or imaps://host:port");
    if (strncmp(settings->imap.url, "imap://", 7) == 0 && !is_loopback(settings->imap.url))
        wrong(reading, json_object_get(map, "url"),
              "url: imaps:// is accepted; imap:// would show the password to everybody on the way, and is for this "
              "machine alone");
    settings->imap.user = needed(reading, map, "user", "the name it signs in with");
    settings->imap.password_file = needed(reading, map, "password_file", "a file with the password, one line");
    settings->imap.folder = folder_of(reading, map, "folder", "INBOX");
    settings->imap.taken = folder_of(reading, map, "taken", "Hearback-taken");
    settings->imap.aside = folder_of(reading, map, "aside", "Hearback-aside");
    if (strcmp(settings->imap.folder, settings->imap.taken) == 0 ||
        strcmp(settings->imap.folder, settings->imap.aside) == 0)
        wrong(reading, map, "folder, taken, aside: a mail that was taken must go to another folder than it came from");
    const char *text = text_of(reading, map, "every", "60");
    if (!number_read(text, 86400, &every) || every == 0)
        wrong(reading, json_object_get(map, "every"), "every: a number of seconds from 1 to 86400 is accepted");
    settings->imap.every_s = (unsigned)every;
}

static void read_all(struct reading *reading, json_t *root, struct settings *settings)
{
    json_t *answers = json_object_get(root, "answers");
    ONLY(reading, root, "gateway", "token_file", "site", "kind", "category", "department", "fields", "answers", "aside",
         "imap");
    settings->gateway = text_of(reading, root, "gateway", "http://127.0.0.1:8311");
    url_ok(reading, root, "gateway", settings->gateway, "http://", "https://",
           "http://127.0.0.1:8311 or https://desk.example.org");
    if (strncmp(settings->gateway, "http://", 7) == 0 && strchr(settings->gateway + 7, '.') &&
        !is_loopback(settings->gateway))
        wrong(reading, json_object_get(root, "gateway"),
              "gateway: https:// is accepted; http:// would show the token to everybody on the way, and is for this "
              "machine, or a host of its own network without a dot in its name, alone");
    settings->token_file =
        needed(reading, root, "token_file", "a file with a token of the API (scopes submit and receive), one line");
    settings->site = needed(reading, root, "site", "the site whose cases these are");
    settings->kind = needed(reading, root, "kind", "the kind of the policy they are registered as, as complaint");
    settings->category = text_of(reading, root, "category", "");
    settings->department = text_of(reading, root, "department", "");
    settings->aside = text_of(reading, root, "aside", "");
    ONLY(reading, answers, "step", "field");
    settings->answer_step = answers ? needed(reading, answers, "step", "the step an answer is, as give_evidence") : "";
    settings->answer_field = text_of(reading, answers, "field", "");
    imap_of(reading, json_object_get(root, "imap"), settings);
    fields_of(reading, root, settings);
    if (!*settings->aside && !*settings->imap.url)
        wrong(reading, root,
              "aside is missing: a folder for mails that become no case (bounces, automatic answers, mails of lists)");
}

bool settings_load(const char *path, struct arena *arena, struct settings *settings_out, const char **why_out)
{
    struct reading reading = {.arena = arena, .path = path};
    struct bytes text;
    json_t *root = NULL;
    char *why = NULL;
    *settings_out = (struct settings){0};
    yaml_places_init(&reading.places, arena);
    enum err err = yaml_read_file(path, arena, &text);
    if (err) {
        *why_out = arena_printf(arena, "%s: %s", path, err_text(err));
        return false;
    }
    if (yaml_parse(path, text, &reading.places, &root, &why)) {
        *why_out = why;
        return false;
    }
    if (json_is_object(root))
        read_all(&reading, root, settings_out);
    else
        wrong(&reading, root, "a map is accepted: gateway, token_file, site, kind ... (services/mailbox/README.md)");
    json_decref(root);
    *why_out = reading.why;
    return !reading.why;
}

char *settings_secret(const char *path, struct arena *arena, const char **why_out)
{
    struct bytes content;
    enum err err = file_read(path, SECRET_BYTES_MAX, arena, &content);
    if (err) {
        *why_out = arena_printf(arena, "%s: %s", path, err == ERR_IO ? strerror(errno) : err_text(err));
        return NULL;
    }
    size_t size = content.size;
    while (size && (content.data[size - 1] == '\n' || content.data[size - 1] == '\r'))
        size--;
    char *secret = arena_text(arena, (const char *)content.data, size);
    if (!size || strlen(secret) != size || strpbrk(secret, "\r\n")) {
        *why_out = arena_printf(arena, "%s: one line of text is accepted", path);
        return NULL;
    }
    return secret;
}
