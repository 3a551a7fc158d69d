#include "config/config.h"
#include "config/network.h"

#include "base/file.h"
#include "yaml/yaml.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zmq.h>

struct reading {
    struct arena *arena;
    struct yaml_places places;
    const char *path;
    char **why_out;
    enum err err;
};

static void wrong(struct reading *reading, const json_t *node, const char *what)
{
    struct yaml_place place = yaml_place_of(&reading->places, node);
    if (reading->err)
        return;
    reading->err = ERR_MALFORMED;
    *reading->why_out = arena_printf(reading->arena, "%s:%u: %s", reading->path, place.line, what);
}

static void only(struct reading *reading, json_t *map, const char *const *keys, size_t count)
{
    const char *key;
    json_t *value;
    if (map && !json_is_object(map))
        wrong(reading, map, "a map is accepted here");
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

static char *text_of(struct reading *reading, json_t *map, const char *key)
{
    json_t *node = json_object_get(map, key);
    if (node && !json_is_string(node))
        wrong(reading, node, arena_printf(reading->arena, "%s: a text is accepted", key));
    return arena_strdup(reading->arena, json_string_value(node));
}

static uint32_t number_of(struct reading *reading, json_t *map, const char *key, uint32_t most)
{
    const char *text = text_of(reading, map, key);
    size_t digits = strspn(text, "0123456789");
    unsigned long number = digits <= 9 ? strtoul(text, NULL, 10) : ULONG_MAX;
    if (text[digits] || number > most)
        wrong(reading, json_object_get(map, key),
              arena_printf(reading->arena, "%s: a number up to %u is accepted", key, most));
    return (uint32_t)number;
}

/* Of a log: more than a uint32_t may be needed. */
static uint64_t offset_of(struct reading *reading, json_t *map, const char *key)
{
    const char *text = text_of(reading, map, key);
    size_t digits = strspn(text, "0123456789");
    if (text[digits] || digits > 18)
        wrong(reading, json_object_get(map, key), arena_printf(reading->arena, "%s: an offset is accepted", key));
    return strtoull(text, NULL, 10);
}

/* NULL when absent or, told so, no list. An empty place ("keys:") is an empty list. */
static json_t *list_of(struct reading *reading, json_t *map, const char *key)
{
    json_t *list = json_object_get(map, key);
    if (!list || json_is_array(list))
        return list;
    if (!json_is_string(list) || *json_string_value(list))
        wrong(reading, list, arena_printf(reading->arena, "%s: a list is accepted", key));
    return NULL;
}

/* Empty until `hearback up` has made the keys. */
static char *public_key_of(struct reading *reading, json_t *map)
{
    char *key = text_of(reading, map, "public_key");
    if (*key && !config_public_key_ok(key))
        wrong(reading, json_object_get(map, "public_key"), "public_key: 40 characters (Z85) are accepted");
    return key;
}

static void rights_of(struct reading *reading, json_t *map, char ***list, size_t *count)
{
    static const char *const known[] = {"fetch", "query", "command", "actor", "seal", "control"};
    json_t *item;
    size_t i;
    json_array_foreach(list_of(reading, map, "rights"), i, item) {
        const char *name = json_string_value(item) ? json_string_value(item) : "";
        bool found = false;
        for (size_t k = 0; k < sizeof known / sizeof *known; k++)
            found = found || strcmp(known[k], name) == 0;
        if (!found)
            wrong(reading, item, "accepted rights: fetch query command actor seal control");
        *list = arena_grow(reading->arena, *list, *count, sizeof **list);
        (*list)[(*count)++] = arena_strdup(reading->arena, name);
    }
}

static void instance_of(struct reading *reading, json_t *map, Config__Config *config)
{
    Config__Instance *instance = arena_alloc(reading->arena, sizeof *instance);
    config__instance__init(instance);
    ONLY(reading, map, "service", "partition", "buckets_from", "buckets_to", "endpoint", "public_key", "rights",
         "forked_from", "forked_at", "listen");
    instance->service = config_service_of_name(text_of(reading, map, "service"));
    if (instance->service == HB__SERVICE__SERVICE_NONE)
        wrong(reading, map,
              "service: accepted: directory intake routing casework watchdog escalation notification analytics gateway "
              "link");
    instance->partition = number_of(reading, map, "partition", 1023);
    instance->bucket_from = number_of(reading, map, "buckets_from", 1024);
    instance->bucket_to = number_of(reading, map, "buckets_to", 1024);
    instance->forked_from = number_of(reading, map, "forked_from", 1023);
    instance->forked = json_object_get(map, "forked_at") != NULL;
    instance->forked_at = offset_of(reading, map, "forked_at");
    instance->endpoint = text_of(reading, map, "endpoint");
    instance->listen = text_of(reading, map, "listen");
    instance->public_key = public_key_of(reading, map);
    if (*instance->listen && strncmp(instance->listen, "tcp://", 6) != 0)
        wrong(reading, map, "listen: tcp://address:port is accepted");
    if (strncmp(instance->endpoint, "ipc://", 6) != 0 && strncmp(instance->endpoint, "tcp://", 6) != 0)
        wrong(reading, map, "endpoint: ipc:///path or tcp://host:port is accepted");
    if (config_instance(config, instance->service, instance->partition))
        wrong(reading, map, "this service and partition stands here twice");
    rights_of(reading, map, &instance->rights, &instance->n_rights);
    if (config->n_instances == CONFIG_INSTANCES_MAX) {
        wrong(reading, map, "at most 64 instances are accepted");
        return;
    }
    config->instances = arena_grow(reading->arena, config->instances, config->n_instances, sizeof *config->instances);
    config->instances[config->n_instances++] = instance;
}

/* Who asks is known by the name of the key, and has the rights of that name: so no two may share one. */
static bool name_is_free(const Config__Config *config, const char *name)
{
    char taken[CONFIG_NAME_ROOM];
    for (size_t i = 0; i < config->n_instances; i++) {
        const Config__Instance *instance = config->instances[i];
        snprintf(taken, sizeof taken, "%s-%" PRIu32, config_service_name(instance->service), instance->partition);
        if (strcmp(taken, name) == 0)
            return false;
    }
    for (size_t i = 0; i < config->n_keys; i++)
        if (strcmp(config->keys[i]->name, name) == 0)
            return false;
    return !config_cell_id_ok(name);
}

static void key_of(struct reading *reading, json_t *map, Config__Config *config)
{
    Config__Key *key = arena_alloc(reading->arena, sizeof *key);
    config__key__init(key);
    ONLY(reading, map, "name", "public_key", "rights");
    key->name = text_of(reading, map, "name");
    if (!*key->name || strlen(key->name) >= CONFIG_NAME_ROOM || !name_is_free(config, key->name))
        wrong(reading, map, "name: up to 47 bytes are accepted, which no other key, instance or cell has");
    key->public_key = public_key_of(reading, map);
    rights_of(reading, map, &key->rights, &key->n_rights);
    config->keys = arena_grow(reading->arena, config->keys, config->n_keys, sizeof *config->keys);
    config->keys[config->n_keys++] = key;
}

/* "casework-1" */
static void log_of(struct reading *reading, const json_t *item, Config__Cell *cell)
{
    const char *text = json_string_value(item) ? json_string_value(item) : "", *dash = strrchr(text, '-');
    Config__Log *log = arena_alloc(reading->arena, sizeof *log);
    config__log__init(log);
    log->service = dash ? config_service_of_name(arena_text(reading->arena, text, (size_t)(dash - text)))
                        : HB__SERVICE__SERVICE_NONE;
    size_t digits = dash ? strspn(dash + 1, "0123456789") : 0;
    if (log->service == HB__SERVICE__SERVICE_NONE || log->service >= HB__SERVICE__GATEWAY || digits == 0 ||
        digits > 4 || dash[1 + digits])
        wrong(reading, item, "logs: a service that has a log and its partition are accepted, as casework-0");
    else
        log->partition = (uint32_t)strtoul(dash + 1, NULL, 10);
    cell->logs = arena_grow(reading->arena, cell->logs, cell->n_logs, sizeof *cell->logs);
    cell->logs[cell->n_logs++] = log;
}

static void check_cell(struct reading *reading, json_t *map, const Config__Cell *cell, const Config__Config *config)
{
    if (!config_cell_id_ok(cell->cell))
        wrong(reading, map, "cell: 16 hexadecimal digits are accepted, not all of them 0");
    if (strcmp(cell->cell, config->cell) == 0)
        wrong(reading, map, "cell: this is our own id; a system made by copying another must not be joined to it");
    if (!*cell->name)
        wrong(reading, map, "name: how people here call that cell");
    if (!*cell->public_key)
        wrong(reading, map, "public_key: 40 characters (Z85) are accepted");
    if (cell->above != (*cell->endpoint != 0) || (cell->above && strncmp(cell->endpoint, "tcp://", 6) != 0))
        wrong(reading, map, "endpoint: the cell above needs tcp://host:port; the cells below dial in and have none");
    for (size_t i = 0; i < config->n_cells; i++) {
        const Config__Cell *other = config->cells[i];
        if (strcmp(other->cell, cell->cell) == 0 || strcmp(other->public_key, cell->public_key) == 0)
            wrong(reading, map, "this cell, or its key, stands here twice");
        if (other->above && cell->above)
            wrong(reading, map, "relation: one cell stands above at most");
    }
}

static void cell_of(struct reading *reading, json_t *map, Config__Config *config)
{
    Config__Cell *cell = arena_alloc(reading->arena, sizeof *cell);
    config__cell__init(cell);
    ONLY(reading, map, "cell", "name", "relation", "endpoint", "public_key", "logs");
    cell->cell = text_of(reading, map, "cell");
    cell->name = text_of(reading, map, "name");
    const char *relation = text_of(reading, map, "relation");
    cell->above = strcmp(relation, "above") == 0;
    if (!cell->above && strcmp(relation, "below") != 0)
        wrong(reading, map, "relation: above or below is accepted");
    cell->endpoint = text_of(reading, map, "endpoint");
    cell->public_key = public_key_of(reading, map);
    json_t *item;
    size_t i;
    json_array_foreach(list_of(reading, map, "logs"), i, item)
        log_of(reading, item, cell);
    check_cell(reading, map, cell, config);
    config->cells = arena_grow(reading->arena, config->cells, config->n_cells, sizeof *config->cells);
    config->cells[config->n_cells++] = cell;
}

bool config_cell_id_ok(const char *text)
{
    return strlen(text) == 16 && strspn(text, "0123456789abcdef") == 16 && strspn(text, "0") < 16;
}

/* The alphabet of ZeroMQ's RFC 32: any other character, and no socket would open. */
bool config_public_key_ok(const char *text)
{
    return strlen(text) == 40 && strspn(text, "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                              ".-:+=^!/*?&<>()[]{}@%$#") == 40;
}

bool config_smtp_url_ok(const char *url)
{
    const char *host = strncmp(url, "smtp://", 7) == 0 ? url + 7 : strncmp(url, "smtps://", 8) == 0 ? url + 8 : NULL;
    return !*url || (host && *host && !strpbrk(host, "@ \r\n"));
}

bool config_public_url_ok(const char *url)
{
    const char *host = strncmp(url, "https://", 8) == 0 ? url + 8 : strncmp(url, "http://", 7) == 0 ? url + 7 : NULL;
    return !*url || (host && *host && !strpbrk(host, "/?#@\\\"<> \r\n"));
}

/* Whose word for who the client is is taken. Not named: those of this machine. */
static void proxies_of(struct reading *reading, json_t *map, Config__Http *http)
{
    static char *own[] = {(char *)(uintptr_t) "127.0.0.0/8", (char *)(uintptr_t) "::1"};
    struct network network;
    json_t *item;
    size_t i;
    if (!json_object_get(map, "trusted_proxies")) {
        http->trusted_proxies = own;
        http->n_trusted_proxies = 2;
    }
    json_array_foreach(list_of(reading, map, "trusted_proxies"), i, item) {
        const char *text = json_is_string(item) ? json_string_value(item) : "";
        if (!network_read(text, &network))
            wrong(reading, item,
                  arena_printf(
                      reading->arena,
                      "http.trusted_proxies[%zu]: an address or a network is accepted, as 10.0.0.7, 172.16.0.0/12 "
                      "or fd00::/8",
                      i));
        http->trusted_proxies =
            arena_grow(reading->arena, http->trusted_proxies, http->n_trusted_proxies, sizeof *http->trusted_proxies);
        http->trusted_proxies[http->n_trusted_proxies++] = arena_strdup(reading->arena, text);
    }
}

static void read_all(struct reading *reading, json_t *root, Config__Config *config)
{
    size_t i;
    json_t *item, *http = json_object_get(root, "http"), *smtp = json_object_get(root, "smtp");
    ONLY(reading, root, "cell", "data", "secrets", "epoch_keys", "policies", "calendars", "zones", "http", "smtp",
         "instances", "keys", "name", "link_listen", "cells", "sign_in", "demonstration", "limits");
    config->cell = text_of(reading, root, "cell");
    config->name = text_of(reading, root, "name");
    config->link_listen = text_of(reading, root, "link_listen");
    config->data = text_of(reading, root, "data");
    config->secrets = text_of(reading, root, "secrets");
    config->epoch_keys = text_of(reading, root, "epoch_keys");
    config->policies = text_of(reading, root, "policies");
    config->calendars = text_of(reading, root, "calendars");
    config->zones = text_of(reading, root, "zones");
    config->http = arena_alloc(reading->arena, sizeof *config->http);
    config__http__init(config->http);
    ONLY(reading, http, "address", "port", "public_url", "trusted_proxies");
    config->http->address = text_of(reading, http, "address");
    config->http->port = number_of(reading, http, "port", 65535);
    config->http->public_url = text_of(reading, http, "public_url");
    if (!config_public_url_ok(config->http->public_url))
        wrong(reading, json_object_get(http, "public_url"),
              "http.public_url: https://host or https://host:port is accepted (http:// too, for trying it out)");
    proxies_of(reading, http, config->http);
    config->smtp = arena_alloc(reading->arena, sizeof *config->smtp);
    config__smtp__init(config->smtp);
    ONLY(reading, smtp, "url", "from", "user", "password_file");
    config->smtp->url = text_of(reading, smtp, "url");
    config->smtp->from = text_of(reading, smtp, "from");
    config->smtp->user = text_of(reading, smtp, "user");
    config->smtp->password_file = text_of(reading, smtp, "password_file");
    if (!config_smtp_url_ok(config->smtp->url))
        wrong(reading, smtp, "smtp.url: smtp://host:port or smtps://host:port is accepted; a user stands in smtp.user");
    if (!*config->smtp->user != !*config->smtp->password_file)
        wrong(reading, smtp, "smtp.user and smtp.password_file belong together");
    json_t *sign_in = json_object_get(root, "sign_in");
    config->sign_in = arena_alloc(reading->arena, sizeof *config->sign_in);
    config__sign_in__init(config->sign_in);
    ONLY(reading, sign_in, "idle_s", "most_s", "delay_ms");
    config->sign_in->idle_s = number_of(reading, sign_in, "idle_s", 366 * 86400);
    config->sign_in->most_s = number_of(reading, sign_in, "most_s", 366 * 86400);
    config->sign_in->delay_ms = number_of(reading, sign_in, "delay_ms", 60000);
    json_t *limits = json_object_get(root, "limits");
    config->limits = arena_alloc(reading->arena, sizeof *config->limits);
    config__limits__init(config->limits);
    ONLY(reading, limits, "reads", "writes", "address");
    config->limits->reads = number_of(reading, limits, "reads", 1000000);
    config->limits->writes = number_of(reading, limits, "writes", 1000000);
    config->limits->address = number_of(reading, limits, "address", 1000000);
    const char *demonstration = text_of(reading, root, "demonstration");
    config->demonstration = strcmp(demonstration, "true") == 0;
    if (*demonstration && !config->demonstration && strcmp(demonstration, "false") != 0)
        wrong(reading, json_object_get(root, "demonstration"), "demonstration: true or false is accepted");
    json_array_foreach(list_of(reading, root, "instances"), i, item)
        instance_of(reading, item, config);
    json_array_foreach(list_of(reading, root, "instances"), i, item) {
        const char *what = reading->err ? NULL : config_wrong_range(config, i);
        if (what)
            wrong(reading, item, what);
    }
    json_array_foreach(list_of(reading, root, "keys"), i, item)
        key_of(reading, item, config);
    json_array_foreach(list_of(reading, root, "cells"), i, item)
        cell_of(reading, item, config);
    if (*config->link_listen && strncmp(config->link_listen, "tcp://", 6) != 0)
        wrong(reading, root, "link_listen: tcp://address:port is accepted");
    if ((config->n_cells || *config->link_listen) && !config_instance(config, HB__SERVICE__LINK, 0))
        wrong(reading, root, "cells and link_listen need an instance of the service link (hearback cell adds it)");
    if (strlen(config->cell) != 16 || strspn(config->cell, "0123456789abcdef") != 16)
        wrong(reading, root, "cell: 16 hexadecimal digits are accepted");
    if (!*config->data || !*config->secrets || !*config->epoch_keys)
        wrong(reading, root, "data, secrets and epoch_keys name folders and are needed");
}

enum err config_load(const char *path, struct arena *arena, Config__Config **config_out, char **why_out)
{
    struct reading reading = {.arena = arena, .path = path, .why_out = why_out};
    struct bytes text;
    json_t *root;
    enum err err = yaml_read_file(path, arena, &text);
    if (err) {
        *why_out = arena_printf(arena, "%s: %s", path, err_text(err));
        return err;
    }
    yaml_places_init(&reading.places, arena);
    err = yaml_parse(path, text, &reading.places, &root, why_out);
    if (err)
        return err;
    Config__Config *config = *config_out = arena_alloc(arena, sizeof *config);
    config__config__init(config);
    read_all(&reading, root, config);
    json_decref(root);
    return reading.err;
}

/* ---- writing ---- */

/* A double-quoted YAML scalar: whatever stands in a path or an address is read back as it is. */
static void write_text(FILE *file, const char *before, const char *text)
{
    fprintf(file, "%s\"", before);
    for (; *text; text++) {
        unsigned char c = (unsigned char)*text;
        if (c == '"' || c == '\\')
            fprintf(file, "\\%c", c);
        else if (c < ' ' || c == 0x7f)
            fprintf(file, "\\x%02x", c);
        else
            fputc(c, file);
    }
    fputc('"', file);
}

static void write_rights(FILE *file, char *const *rights, size_t count)
{
    fprintf(file, ", rights: [");
    for (size_t i = 0; i < count; i++)
        fprintf(file, "%s%s", i ? ", " : "", rights[i]);
    fprintf(file, "]}\n");
}

static void write_http(FILE *file, const Config__Http *http)
{
    write_text(file, "\nhttp: {address: ", http->address);
    fprintf(file, ", port: %u", http->port);
    write_text(file, ", public_url: ", http->public_url);
    for (size_t i = 0; i < http->n_trusted_proxies; i++)
        write_text(file, i ? ", " : ", trusted_proxies: [", http->trusted_proxies[i]);
    fprintf(file, "%s", http->n_trusted_proxies ? "]" : ", trusted_proxies: []");
}

static void write_smtp(FILE *file, const Config__Smtp *smtp)
{
    write_text(file, "}\nsmtp: {url: ", smtp->url);
    write_text(file, ", from: ", smtp->from);
    write_text(file, ", user: ", smtp->user);
    write_text(file, ", password_file: ", smtp->password_file);
    fprintf(file, "}\n");
}

static void write_instance(FILE *file, const Config__Instance *instance)
{
    fprintf(file, "  - {service: %s, partition: %u", config_service_name(instance->service), instance->partition);
    write_text(file, ", endpoint: ", instance->endpoint);
    if (*instance->listen)
        write_text(file, ", listen: ", instance->listen);
    write_text(file, ", public_key: ", instance->public_key);
    if (instance->bucket_from || instance->bucket_to)
        fprintf(file, ", buckets_from: %u, buckets_to: %u", instance->bucket_from, instance->bucket_to);
    if (instance->forked)
        fprintf(file, ", forked_from: %u, forked_at: %" PRIu64, instance->forked_from, instance->forked_at);
    write_rights(file, instance->rights, instance->n_rights);
}

static void write_cell(FILE *file, const Config__Cell *cell)
{
    write_text(file, "  - {cell: ", cell->cell);
    write_text(file, ", name: ", cell->name);
    fprintf(file, ", relation: %s", cell->above ? "above" : "below");
    if (cell->above)
        write_text(file, ", endpoint: ", cell->endpoint);
    write_text(file, ", public_key: ", cell->public_key);
    fprintf(file, ", logs: [");
    for (size_t i = 0; i < cell->n_logs; i++)
        fprintf(file, "%s%s-%u", i ? ", " : "", config_service_name(cell->logs[i]->service), cell->logs[i]->partition);
    fprintf(file, "]}\n");
}

static void write_all(FILE *file, const Config__Config *config)
{
    fprintf(
        file,
        "# Every instance of this system: its endpoint, key, rights and partition. Secret keys are in `secrets`.\n");
    write_text(file, "cell: ", config->cell);
    write_text(file, "\ndata: ", config->data);
    write_text(file, "\nsecrets: ", config->secrets);
    write_text(file, "\nepoch_keys: ", config->epoch_keys);
    write_text(file, "\npolicies: ", config->policies);
    write_text(file, "\ncalendars: ", config->calendars);
    write_text(file, "\nzones: ", config->zones);
    write_http(file, config->http);
    write_smtp(file, config->smtp);
    fprintf(file, "instances:%s\n", config->n_instances ? "" : " []");
    for (size_t i = 0; i < config->n_instances; i++)
        write_instance(file, config->instances[i]);
    fprintf(file, "keys:%s\n", config->n_keys ? "" : " []");
    for (size_t i = 0; i < config->n_keys; i++) {
        write_text(file, "  - {name: ", config->keys[i]->name);
        write_text(file, ", public_key: ", config->keys[i]->public_key);
        write_rights(file, config->keys[i]->rights, config->keys[i]->n_rights);
    }
    if (*config->name)
        write_text(file, "name: ", config->name), fputc('\n', file);
    if (*config->link_listen)
        write_text(file, "link_listen: ", config->link_listen), fputc('\n', file);
    if (config->sign_in && (config->sign_in->idle_s || config->sign_in->most_s || config->sign_in->delay_ms))
        fprintf(file, "sign_in: {idle_s: %u, most_s: %u, delay_ms: %u}\n", config->sign_in->idle_s,
                config->sign_in->most_s, config->sign_in->delay_ms);
    if (config->limits && (config->limits->reads || config->limits->writes || config->limits->address))
        fprintf(file, "limits: {reads: %u, writes: %u, address: %u}\n", config->limits->reads, config->limits->writes,
                config->limits->address);
    if (config->demonstration)
        fprintf(file, "demonstration: true\n");
    if (config->n_cells)
        fprintf(file, "cells:\n");
    for (size_t i = 0; i < config->n_cells; i++)
        write_cell(file, config->cells[i]);
}

static enum err why_not_written(void)
{
    return errno == ENOSPC || errno == EDQUOT ? ERR_FULL : ERR_IO;
}

enum err config_save(const char *path, const Config__Config *config)
{
    char temporary[4200];
    snprintf(temporary, sizeof temporary, "%s.new", path);
    int fd = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    FILE *file = fd >= 0 ? fdopen(fd, "w") : NULL;
    if (!file)
        return why_not_written();
    write_all(file, config);
    enum err err = fflush(file) || ferror(file) || fsync(fd) ? why_not_written() : ERR_NONE;
    if (fclose(file) && !err)
        err = why_not_written();
    if (!err && rename(temporary, path))
        err = why_not_written();
    return err ? err : name_sync(path);
}

/* ---- looking up ---- */

const Config__Instance *config_instance(const Config__Config *config, Hb__Service service, uint32_t partition)
{
    for (size_t i = 0; i < config->n_instances; i++)
        if (config->instances[i]->service == service && config->instances[i]->partition == partition)
            return config->instances[i];
    return NULL;
}

char *config_instance_folder(const Config__Config *config, const Config__Instance *instance, struct arena *arena)
{
    return arena_printf(arena, "%s/%s-%u", config->data, config_service_name(instance->service), instance->partition);
}

enum err config_secret(const Config__Config *config, const char *name, char secret_out[41])
{
    char path[4200];
    snprintf(path, sizeof path, "%s/%s.secret", config->secrets, name);
    FILE *file = fopen(path, "re");
    if (!file)
        return errno == ENOENT ? ERR_NOT_FOUND : ERR_DENIED;
    size_t size = fread(secret_out, 1, 40, file);
    fclose(file);
    secret_out[size] = 0;
    return size == 40 ? ERR_NONE : ERR_MALFORMED;
}

/* ---- keys at first start ---- */

static enum err secret_create(const Config__Config *config, const char *name, char public_out[41], char secret[41])
{
    char path[4200], fresh[4300];
    enum err err = config_secret(config, name, secret);
    if (err == ERR_NONE)
        return zmq_curve_public(public_out, secret) ? ERR_MALFORMED : ERR_NONE;
    if (err != ERR_NOT_FOUND)
        return err;
    if (zmq_curve_keypair(public_out, secret))
        return ERR_IO;
    snprintf(path, sizeof path, "%s/%s.secret", config->secrets, name);
    snprintf(fresh, sizeof fresh, "%s.new", path);
    int fd = open(fresh, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0)
        return why_not_written();
    errno = 0; /* what writes less than it should says nothing */
    err = write(fd, secret, 40) != 40 || fsync(fd) ? why_not_written() : ERR_NONE;
    if (close(fd) && !err)
        err = why_not_written();
    if (!err && rename(fresh, path)) /* half a key would be no key, and never made anew */
        err = why_not_written();
    return err ? err : folder_sync(config->secrets);
}

static void fill_in(char **public_key, const char *made, struct arena *arena, bool *changed)
{
    if (strcmp(*public_key, made) == 0)
        return;
    *public_key = arena_strdup(arena, made);
    *changed = true;
}

enum err config_key_create(const Config__Config *config, const char *name, char **public_key_out, struct arena *arena)
{
    char public_key[41], secret[41];
    enum err err = secret_create(config, name, public_key, secret);
    if (!err)
        *public_key_out = arena_strdup(arena, public_key);
    return err;
}

enum err config_keys_create(Config__Config *config, struct arena *arena, bool *changed_out)
{
    char public_key[41], secret[41];
    *changed_out = false;
    if (mkdir(config->secrets, 0700) && errno != EEXIST)
        return ERR_IO;
    for (size_t i = 0; i < config->n_instances; i++) {
        Config__Instance *instance = config->instances[i];
        char *name = arena_printf(arena, "%s-%u", config_service_name(instance->service), instance->partition);
        enum err err = secret_create(config, name, public_key, secret);
        if (err)
            return err;
        fill_in(&instance->public_key, public_key, arena, changed_out);
    }
    for (size_t i = 0; i < config->n_keys; i++) {
        if (*config->keys[i]->public_key && config_secret(config, config->keys[i]->name, secret) == ERR_NOT_FOUND)
            continue; /* somebody else's: its secret is kept elsewhere */
        enum err err = secret_create(config, config->keys[i]->name, public_key, secret);
        if (err)
            return err;
        fill_in(&config->keys[i]->public_key, public_key, arena, changed_out);
    }
    return ERR_NONE;
}
