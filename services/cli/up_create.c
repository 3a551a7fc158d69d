/* The first start: folders, keys, endpoints and what each key may do. Afterwards the file is the operator's to edit. */
#include "config/config.h"
#include "up.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define PORT_DEFAULT 8311u
#define PORT_FIRST 7400u           /* of the bus over tcp: 7401 directory, 7402 intake ... */
#define SOCKET_PATH_BYTES_MAX 100u /* sun_path holds 108 */

static const struct {
    Hb__Service service;
    const char *rights[6]; /* what the service's key may do at the others */
} founded[] = {
    {HB__SERVICE__DIRECTORY, {"fetch"}},
    {HB__SERVICE__INTAKE, {"fetch"}},
    {HB__SERVICE__ROUTING, {"fetch"}},
    {HB__SERVICE__CASEWORK, {"fetch", "seal"}},
    {HB__SERVICE__WATCHDOG, {"fetch"}},
    {HB__SERVICE__ESCALATION, {"fetch"}},
    {HB__SERVICE__NOTIFICATION, {"fetch", "command"}}, /* opens addresses at intake */
    {HB__SERVICE__ANALYTICS, {"fetch"}},
    {HB__SERVICE__GATEWAY, {"query", "command", "actor"}},
};

static bool make_folder(const char *path)
{
    char part[4200];
    snprintf(part, sizeof part, "%s", path);
    for (char *at = part + 1; *at; at++) {
        if (*at != '/')
            continue;
        *at = 0;
        if (mkdir(part, 0755) && errno != EEXIST)
            return false;
        *at = '/';
    }
    return mkdir(part, 0700) == 0 || errno == EEXIST;
}

/* ipc sockets have short names: a long data folder keeps them in /tmp, in a folder of its own. Not of the cell's: a
   restored system and the one it was copied from would take each other's sockets. */
static const char *socket_folder(struct cli *cli)
{
    const char *own = cli_path(cli, "run");
    uint8_t hash[16];
    char hex[33];
    crypto_generichash(hash, sizeof hash, (const uint8_t *)cli->folder, strlen(cli->folder), NULL, 0);
    return strlen(own) + strlen("/notification-0.ipc") < SOCKET_PATH_BYTES_MAX
               ? own
               : arena_printf(&cli->arena, "/tmp/hearback-%s", sodium_bin2hex(hex, sizeof hex, hash, sizeof hash));
}

static char **rights_of(struct cli *cli, const char *const *rights, size_t *count_out)
{
    char **list = arena_alloc(&cli->arena, 6 * sizeof *list);
    for (*count_out = 0; *count_out < 6 && rights[*count_out]; (*count_out)++)
        list[*count_out] = (char *)(uintptr_t)rights[*count_out];
    return list;
}

/* tcp://{service}:{port}: the name of the service, and a port of its own. */
static char *from_pattern(struct cli *cli, const char *pattern, Hb__Service service)
{
    char *text = arena_strdup(&cli->arena, "");
    while (*pattern) {
        if (strncmp(pattern, "{service}", 9) == 0) {
            text = arena_printf(&cli->arena, "%s%s", text, config_service_name(service));
            pattern += 9;
        } else if (strncmp(pattern, "{port}", 6) == 0) {
            text = arena_printf(&cli->arena, "%s%u", text, PORT_FIRST + (unsigned)service);
            pattern += 6;
        } else {
            text = arena_printf(&cli->arena, "%s%c", text, *pattern++);
        }
    }
    return text;
}

static void add_instances(struct cli *cli, const struct up_options *options, Config__Config *config,
                          const char *sockets)
{
    const size_t count = sizeof founded / sizeof *founded;
    config->instances = arena_alloc(&cli->arena, count * sizeof *config->instances);
    for (size_t i = 0; i < count; i++) {
        Config__Instance *instance = arena_alloc(&cli->arena, sizeof *instance);
        config__instance__init(instance);
        instance->service = founded[i].service;
        instance->endpoint = options->endpoint ? from_pattern(cli, options->endpoint, instance->service)
                                               : arena_printf(&cli->arena, "ipc://%s/%s-0.ipc", sockets,
                                                              config_service_name(instance->service));
        if (options->listen)
            instance->listen = from_pattern(cli, options->listen, instance->service);
        instance->rights = rights_of(cli, founded[i].rights, &instance->n_rights);
        config->instances[config->n_instances++] = instance;
    }
}

static void add_operator(struct cli *cli, Config__Config *config)
{
    static const char *const rights[6] = {"fetch", "query", "command", "control"};
    Config__Key *key = arena_alloc(&cli->arena, sizeof *key);
    config__key__init(key);
    key->name = arena_strdup(&cli->arena, "operator");
    key->rights = rights_of(cli, rights, &key->n_rights);
    config->keys = arena_alloc(&cli->arena, sizeof *config->keys);
    config->keys[config->n_keys++] = key;
}

/* Where everything of this folder is. */
static void set_places(struct cli *cli, Config__Config *config)
{
    struct arena *arena = &cli->arena;
    config->data = arena_strdup(arena, cli_path(cli, "data"));
    config->secrets = arena_strdup(arena, cli_path(cli, "secrets"));
    config->epoch_keys = arena_strdup(arena, cli_path(cli, "epoch-keys"));
    config->policies = arena_strdup(arena, cli_share(cli, "policies"));
    config->calendars = arena_strdup(arena, cli_share(cli, "calendars"));
}

static void add_proxies(struct cli *cli, Config__Http *http, const char *list)
{
    for (size_t size; *list; list += size + (list[size] == ',')) {
        size = strcspn(list, ",");
        http->trusted_proxies =
            arena_grow(&cli->arena, http->trusted_proxies, http->n_trusted_proxies, sizeof *http->trusted_proxies);
        http->trusted_proxies[http->n_trusted_proxies++] = arena_text(&cli->arena, list, size);
    }
}

static Config__Config *config_new(struct cli *cli, const struct up_options *options)
{
    struct arena *arena = &cli->arena;
    Config__Config *config = arena_alloc(arena, sizeof *config);
    config__config__init(config);
    uint8_t cell[8];
    randombytes_buf(cell, sizeof cell);
    config->cell = arena_alloc(arena, 17);
    sodium_bin2hex(config->cell, 17, cell, sizeof cell);
    set_places(cli, config);
    config->http = arena_alloc(arena, sizeof *config->http);
    config__http__init(config->http);
    config->http->address = arena_strdup(arena, options->address ? options->address : "127.0.0.1");
    config->http->port = PORT_DEFAULT;
    config->http->public_url = arena_strdup(arena, options->public_url);
    add_proxies(cli, config->http, options->proxies ? options->proxies : "127.0.0.0/8,::1");
    config->smtp = arena_alloc(arena, sizeof *config->smtp);
    config__smtp__init(config->smtp);
    config->smtp->from = arena_strdup(arena, "hearback@localhost");
    config->demonstration = options->demo;
    add_instances(cli, options, config, socket_folder(cli));
    add_operator(cli, config);
    return config;
}

static bool make_folders(struct cli *cli, const Config__Config *config)
{
    const char *folders[] = {config->data, config->secrets, config->epoch_keys, cli_path(cli, "log"),
                             socket_folder(cli)};
    for (size_t i = 0; i < sizeof folders / sizeof *folders; i++)
        if (!make_folder(folders[i])) {
            cli_fail("%s cannot be made: %s", folders[i], strerror(errno));
            return false;
        }
    return true;
}

/* Whatever instance or key was added to the file by hand has its keys made here, at every start. */
static bool make_keys(struct cli *cli, Config__Config *config, bool changed)
{
    const char *path = cli_path(cli, "hearback.yaml");
    bool keyed;
    enum err err = config_keys_create(config, &cli->arena, &keyed);
    if (err)
        cli_fail("the keys in %s cannot be made: %s", config->secrets, err_text(err));
    else if ((changed || keyed) && (err = config_save(path, config)))
        cli_fail("%s cannot be written: %s", path, err_text(err));
    cli->config = config;
    return err == ERR_NONE;
}

bool up_folder(struct cli *cli)
{
    char *path = make_folder(cli->folder) ? realpath(cli->folder, NULL) : NULL;
    if (path)
        cli->folder = arena_strdup(&cli->arena, path);
    else
        cli_fail("%s cannot be made: %s", cli->folder, strerror(errno));
    free(path);
    return path != NULL;
}

/* Two supervisors would start everything twice, two restores remove what the other made, two `init` each other's keys.
 */
bool up_lock(struct cli *cli)
{
    const char *path = cli_path(cli, UP_LOCK);
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) == 0)
        return true;
    if (fd < 0 || errno != EWOULDBLOCK)
        cli_fail("%s: %s", path, strerror(errno));
    else
        cli_fail("%s is in use by another `hearback up`, `init` or `restore`", cli->folder);
    return false;
}

bool up_restoring(struct cli *cli)
{
    return access(cli_path(cli, UP_RESTORING), F_OK) == 0;
}

int up_say_restoring(struct cli *cli)
{
    return cli_fail("%s holds no system: a restore into it was cut off, or is at work; when none is, give `hearback "
                    "restore` again",
                    cli->folder);
}

bool up_create(struct cli *cli, const struct up_options *options)
{
    if (up_restoring(cli))
        return up_say_restoring(cli), false;
    char *why = NULL;
    Config__Config *config;
    enum err err = config_load(cli_path(cli, "hearback.yaml"), &cli->arena, &config, &why);
    if (err == ERR_NOT_FOUND)
        config = config_new(cli, options);
    else if (err) {
        cli_fail("%s", why ? why : err_text(err));
        return false;
    }
    bool changed = err == ERR_NOT_FOUND;
    if (options->port && options->port != config->http->port) {
        config->http->port = options->port;
        changed = true;
    }
    if (options->smtp && strcmp(options->smtp, config->smtp->url) != 0) {
        config->smtp->url = arena_strdup(&cli->arena, options->smtp);
        changed = true;
    }
    return make_folders(cli, config) && make_keys(cli, config, changed);
}

/* Endpoints on other machines are theirs to change; sockets here move with the folder. */
bool up_adopt(struct cli *cli, Config__Config *config)
{
    struct arena *arena = &cli->arena;
    set_places(cli, config);
    for (size_t i = 0; i < config->n_instances; i++) {
        Config__Instance *instance = config->instances[i];
        if (strncmp(instance->endpoint, "ipc://", 6) == 0)
            instance->endpoint = arena_printf(arena, "ipc://%s/%s-%" PRIu32 ".ipc", socket_folder(cli),
                                              config_service_name(instance->service), instance->partition);
    }
    for (size_t i = 0; i < config->n_keys; i++)
        if (strcmp(config->keys[i]->name, "operator") == 0)
            config->keys[i]->public_key = arena_strdup(arena, ""); /* its secret was not in the backup */
    return make_folders(cli, config) && make_keys(cli, config, true);
}

bool up_save(struct cli *cli, Config__Config *config)
{
    return make_folders(cli, config) && make_keys(cli, config, true);
}

char *up_endpoint(struct cli *cli, Hb__Service service, uint32_t partition)
{
    return up_folder(cli) ? arena_printf(&cli->arena, "ipc://%s/%s-%" PRIu32 ".ipc", socket_folder(cli),
                                         config_service_name(service), partition)
                          : arena_strdup(&cli->arena, "");
}
