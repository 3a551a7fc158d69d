/* The configuration file (proto/hearback/config.proto, YAML on disk). */
#ifndef HEARBACK_CONFIG_CONFIG_H
#define HEARBACK_CONFIG_CONFIG_H

#include "base/arena.h"
#include "hearback/config.pb-c.h"

/* Reads and checks `path`. On ERR_MALFORMED `*why_out` says file, line, field and what is accepted. */
enum err config_load(const char *path, struct arena *arena, Config__Config **config_out, char **why_out) MUST_CHECK;

/* Writes it as YAML (0600, through a temporary file and rename). */
enum err config_save(const char *path, const Config__Config *config) MUST_CHECK;

/* "", smtp://host:port or smtps://host:port, without a user: it would stand in logs and proofs. */
bool config_smtp_url_ok(const char *url);

bool config_cell_id_ok(const char *text); /* 16 hexadecimal digits, not all 0 */

/* The instance of a service and partition, NULL when the file names none. */
const Config__Instance *config_instance(const Config__Config *config, Hb__Service service, uint32_t partition);

/* data/<service>-<partition> */
char *config_instance_folder(const Config__Config *config, const Config__Instance *instance, struct arena *arena);

/* Z85 secret key of an instance ("casework-0") or a named key ("operator"), from the secrets folder. */
enum err config_secret(const Config__Config *config, const char *name, char secret_out[41]) MUST_CHECK;

/* "directory" ... ; "unknown" for an unknown one. And back: HB__SERVICE__SERVICE_NONE for an unknown name. */
const char *config_service_name(Hb__Service service);
/* One of the nine or link: the command and the simulator's toys have names, but nobody may name them in a file. NONE:
 * no such.
 */
Hb__Service config_service_of_name(const char *name);

/* Makes the missing secret keys (0600, synced) and fills in all public keys. A named key with a public key and no
   secret here belongs to somebody else and is left alone. `changed_out`: a public key was filled in, the file should be
   saved. */
enum err config_keys_create(Config__Config *config, struct arena *arena, bool *changed_out) MUST_CHECK;

#endif
