/* The configuration file (proto/hearback/config.proto, YAML on disk). */
#ifndef HEARBACK_CONFIG_CONFIG_H
#define HEARBACK_CONFIG_CONFIG_H

#include "base/arena.h"
#include "hearback/config.pb-c.h"

/* Reads and checks `path`. On ERR_MALFORMED `*why_out` says file, line, field and what is accepted. */
enum err config_load(const char *path, struct arena *arena, Config__Config **config_out, char **why_out) MUST_CHECK;

/* Writes it as YAML (0600, through a temporary file and rename). ERR_FULL, ERR_IO. */
enum err config_save(const char *path, const Config__Config *config) MUST_CHECK;

/* "", smtp://host:port or smtps://host:port, without a user: it would stand in logs and proofs. */
bool config_smtp_url_ok(const char *url);
/* "", https://host or https://host:port, or the same with http:// for trying it out; no path. */
bool config_public_url_ok(const char *url);

bool config_cell_id_ok(const char *text);    /* 16 hexadecimal digits, not all 0 */
bool config_public_key_ok(const char *text); /* 40 characters of Z85 */

/* The instance of a service and partition, NULL when the file names none. */
const Config__Instance *config_instance(const Config__Config *config, Hb__Service service, uint32_t partition);

#define CONFIG_INSTANCES_MAX 64u /* whoever asks or watches all of them has room for so many */
#define CONFIG_BUCKETS 1024u     /* a site lives in one for good */
#define CONFIG_NAME_ROOM 48u     /* for the name of a key, with its end */
uint32_t
config_bucket_end(const Config__Instance *instance); /* its buckets are those from bucket_from up to this one */
/* The instance that has a bucket; NULL when the file names none of that service. */
const Config__Instance *config_instance_of_bucket(const Config__Config *config, Hb__Service service, uint32_t bucket);
bool config_overlap(const Config__Instance *a, const Config__Instance *b);
/* The offset up to which the logs of two partitions of a service are one (they were divided there); 0: they are not. */
uint64_t config_shared(const Config__Config *config, Hb__Service service, uint32_t a, uint32_t b);
/* What is wrong with the buckets of instances[at], by itself or beside the ones before it; NULL: nothing. */
const char *config_wrong_range(const Config__Config *config, size_t at);

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

/* Does it keep a vault, and so an epoch key? Intake's opens personal texts, directory's the secrets of second factors.
 */
bool config_has_vault(Hb__Service service);
#define CONFIG_EPOCH_PATH_MAX 4200u
/* FOLDER/<service>/<service>-<partition>.key: a folder for each service, so that each can be given its own alone. */
void config_epoch_path(char out[CONFIG_EPOCH_PATH_MAX], const char *folder, Hb__Service service, uint32_t partition);

/* Makes the key of one name and fills in its public key. */
enum err config_key_create(const Config__Config *config, const char *name, char **public_key_out,
                           struct arena *arena) MUST_CHECK;

/* Makes the missing secret keys (0600, synced) and fills in all public keys. A named key with a public key and no
   secret here belongs to somebody else and is left alone. `changed_out`: a public key was filled in, the file should be
   saved. */
enum err config_keys_create(Config__Config *config, struct arena *arena, bool *changed_out) MUST_CHECK;

#endif
