/* `hearback up`: makes a system at the first start, then keeps its processes running. */
#ifndef HEARBACK_CLI_UP_H
#define HEARBACK_CLI_UP_H

#include "cli.h"

struct up_options {
    uint32_t port;    /* 0: as configured; at the first start 8311 */
    const char *smtp; /* NULL: as configured */
    bool demo;
    const char *input, *mapping, *export;
    bool once;
    const char *endpoint, *listen; /* init: patterns; NULL: sockets in the folder */
    const char *address;           /* init: of HTTP */
    const char *public_url;        /* init: NULL: none yet */
    const char *proxies;           /* init: "10.0.0.7,172.16.0.0/12"; NULL: those of this machine */
};

/* Makes the system's folder when it is missing; cli->folder is absolute afterwards. False after saying why. */
bool up_folder(struct cli *cli);

/* For who makes a system here or runs it (`up`, `init`, `restore`): one at a time. The lock, a file that stays, goes
   with the process. False after saying why. */
#define UP_LOCK "lock"
bool up_lock(struct cli *cli);

/* A file that stands in the folder until a restore into it is whole: with it the folder holds no system for any command
   (cli_config, up_create). */
#define UP_RESTORING "restoring"
bool up_restoring(struct cli *cli);
int up_say_restoring(struct cli *cli); /* that it is so; returns CLI_FAILED */

/* Loads the configuration, or makes one with folders and a random cell id; makes the keys that are missing, and writes
   the file when that changed it. False after saying why. */
bool up_create(struct cli *cli, const struct up_options *options);

/* Makes the configuration of a backup that of this folder: its paths, sockets and new CURVE keys; writes it, last of
   all. False after saying why. */
bool up_adopt(struct cli *cli, Config__Config *config);

/* Starts every process of the configuration, restarts those that end, and runs `tasks` one after the other as children
   (each a NULL-terminated argv of this program; output: file of its standard output, NULL ours). Then prints `ready
   URL` and stays until a signal, or with options->once ends. */
struct up_task {
    const char *arguments[12];
    const char *output;
};
int up_supervise(struct cli *cli, const struct up_options *options, const struct up_task *tasks, size_t tasks_count);

/* Makes the keys that are missing and writes the configuration. Says why when it cannot. */
bool up_save(struct cli *cli, Config__Config *config);
char *up_endpoint(struct cli *cli, Hb__Service service, uint32_t partition); /* a socket in this system's folder */

#endif
