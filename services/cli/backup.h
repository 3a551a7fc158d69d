/* A backup: what is in one, reading and writing its parts. A backup's folder holds manifest.json, hearback.yaml and
   data/<service>-<partition>/ with a copy of each service's stores. The folder it stands in (the target) also holds
   `erasures`: the ids of all vault keys known to be erased, which every restore applies. */
#ifndef HEARBACK_CLI_BACKUP_H
#define HEARBACK_CLI_BACKUP_H

#include "cli.h"

#include "hearback/backup.pb-c.h"

#define BACKUP_FORMAT 1u
#define BACKUP_HASH_BYTES 32u

/* One JSON document as a message; false after saying why. */
bool backup_document_read(struct cli *cli, const char *path, const ProtobufCMessageDescriptor *descriptor,
                          ProtobufCMessage **message_out);
bool backup_document_write(struct cli *cli, const char *path, ProtobufCMessage *message);

/* Size and BLAKE2b-256 of a file. With `copy_to` its bytes are written there as well, synced. False after saying why.
 */
bool backup_file_hash(const char *path, const char *copy_to, uint64_t *bytes_out, uint8_t hash_out[BACKUP_HASH_BYTES]);

/* Head, chain and cursors of a copied folder, as the manifest has them. False after saying why. */
bool backup_log_read(struct cli *cli, const char *folder, const Config__Instance *instance, Backup__Log **log_out);
/* Every cursor at or before the end of its log. False after saying which is not. */
bool backup_is_cut(const Backup__Manifest *manifest, uint64_t cell);

/* Erased key ids, one a line in hexadecimal, ascending, and a check of these lines as the last one. A file that is not
   there: ERR_NOT_FOUND; any other error after saying why. */
struct erasures {
    uint64_t *ids;
    size_t count;
};
enum err backup_erasures_read(struct cli *cli, const char *path, struct erasures *erasures_out);
bool backup_erasures_write(struct cli *cli, const char *path, const struct erasures *erasures);
void backup_erasures_add(struct cli *cli, struct erasures *erasures, const uint64_t *ids, size_t count);

/* Puts an epoch key where a vault looks for it: a new file, 0600, synced. False after saying why. */
bool backup_key_write(const char *path, const Backup__Key *key);

bool backup_make_folder(const char *path); /* with its parents, 0700; false after saying why */
bool backup_sync_folder(const char *path); /* false after saying why */
bool backup_remove_tree(const char *path); /* as far as it goes; false: something is left, errno says why */
char *backup_instance_path(struct cli *cli, const char *root, const Config__Instance *instance); /* root/data/... */

#endif
