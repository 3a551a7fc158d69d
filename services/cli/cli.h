/* The hearback command: what every sub-command gets, and the few things they share. What people do (submit, import,
   case, policy, report) goes over HTTP with a bearer token; up, status, wait, token, verify, backup and restore speak
   to the services on the bus with the operator's key (design.md 2). */
#ifndef HEARBACK_CLI_H
#define HEARBACK_CLI_H

#include "base/arena.h"
#include "hearback/bus.pb-c.h"
#include "hearback/config.pb-c.h"
#include "hearback/directory.pb-c.h"

#include <jansson.h>
#include <stdio.h>

/* Exit codes of all sub-commands. */
enum {
    CLI_GOOD = 0,
    CLI_FAILED = 1,  /* it was understood and did not succeed; standard error says why */
    CLI_USAGE = 2,   /* it was not understood */
    CLI_DIFFERS = 3, /* `import`: done, but rows known already say something else by now */
};

struct cli {
    struct arena arena;
    const char *folder;   /* --data: all state of one system */
    const char *url;      /* --url; NULL: the gateway of the configuration */
    const char *token;    /* --token, $HEARBACK_TOKEN or <folder>/token */
    bool token_of_folder; /* it is <folder>/token: made anew when it has ended */
    const char *as;       /* --as: an account of the demonstration, instead of a token */
    bool json;            /* --json: one JSON document on standard output */
    const char *programs; /* folder of this program and its siblings */
    char *after;          /* what earlier answers have shown us (Hearback-After): the next request sees at least that */
    const char *if_match; /* of the next request only: the version seen */
    Config__Config *config; /* by cli_config */
    bool no_config;         /* cli_config has said why */
};

typedef int cli_command(struct cli *cli, int argc, char **argv);
cli_command cli_up, cli_wait, cli_status, cli_token, cli_demo, cli_submit, cli_import, cli_case, cli_policy, cli_report,
    cli_verify, cli_backup, cli_restore, cli_split, cli_init, cli_run, cli_health, cli_cell, cli_accept_clock,
    cli_release, cli_clauses, cli_calendar, cli_account, cli_labels;

/* command.c: what is typed, as main got it. Takes the global options out of argv. */
int cli_run_command(struct cli *cli, int argc, char **argv);

/* ---- places ---- */

const char *cli_folder_default(struct cli *cli);
const char *cli_path(struct cli *cli, const char *name);  /* <folder>/<name> */
const char *cli_share(struct cli *cli, const char *name); /* shipped packs, calendars, mappings, the demonstration */
/* Loads <folder>/hearback.yaml once. NULL after saying why on standard error. */
Config__Config *cli_config(struct cli *cli);
/* A whole file; false when it cannot be read. */
bool cli_read(struct cli *cli, const char *path, struct bytes *text_out);
/* Writes a file 0600, synced and renamed into place. */
bool cli_write(const char *path, const char *text);

/* "hearback: ..." on standard error; returns CLI_FAILED. */
int cli_fail(const char *format, ...) PRINTF_LIKE(1, 2);
int cli_usage(const char *text);
/* getopt_long without short options; what it does not know it names whole (getopt itself would say bytes of it). */
struct option;
int cli_option(int argc, char **argv, const struct option *known, int *index);
/* One line of progress on standard error: redrawn in place on a terminal, otherwise printed when `last`. */
void cli_progress(bool last, const char *format, ...) PRINTF_LIKE(2, 3);
void cli_progress_clear(void); /* before anything else is said; cli_fail does it itself */
void cli_print_json(const json_t *json);

/* ---- HTTP ---- */

struct http_reply {
    long status; /* 0: nobody answered */
    struct bytes body;
    json_t *json; /* NULL when the body is no JSON; freed at exit */
};
/* Asks the gateway. `body` may be NULL, its reference is taken. `key` is the Idempotency-Key, NULL for none. A write
   that got 503 is sent again, for at most 30 s. */
void cli_http(struct cli *cli, const char *method, const char *path, json_t *body, const char *key,
              struct http_reply *reply_out);
/* As GET, the body into a file as it comes; when the status is not 200 nothing is written there and the reply has the
   problem document. */
void cli_http_file(struct cli *cli, const char *path, const char *accept, FILE *file, struct http_reply *reply_out);
/* Says what a problem document says; returns CLI_FAILED. */
int cli_http_fail(struct cli *cli, const struct http_reply *reply);
/* A random Idempotency-Key: a repetition after a lost answer is the same command. */
char *cli_key_new(struct cli *cli);
/* FIELD=VALUE ... as the JSON of fields. NULL after saying what is wrong. */
json_t *cli_fields(int argc, char **argv);
char *cli_escape(struct cli *cli, const char *text); /* for a query string */
bool cli_english(void); /* what the gateway is asked in, and its labels are printed in: LC_ALL, else LANG; Chinese where
                           it begins with zh */

/* ---- the bus ---- */

/* Asks one instance with the operator's key, at most `timeout_ms`. NULL: nobody answered. The reply lives in the arena.
 */
const Bus__Reply *cli_ask(struct cli *cli, Hb__Service service, uint32_t partition, Bus__Request *request,
                          uint32_t timeout_ms);
/* The same of several at one time: all are asked before the first answer is awaited. At most 64. */
void cli_ask_each(struct cli *cli, const Config__Instance *const *instances, size_t count,
                  Bus__Request *const *requests, uint32_t timeout_ms, const Bus__Reply **replies_out);
const Bus__ControlReply *cli_control(struct cli *cli, const Config__Instance *instance, Bus__Control__What what,
                                     const char *path, uint32_t timeout_ms);
/* Sends a command to directory as the operator; says why and returns NULL, or false, when it was refused. */
const Hb__CommandReply *cli_directory(struct cli *cli, Directory__Command *directory);
bool cli_organise(struct cli *cli, const Directory__Organise *organise);
/* A new token of an account, and what directory keeps of it. */
Directory__AccountSecret *cli_secret_new(struct cli *cli, const char *account, char **token_out);
/* A random password for it too, of the demonstration. */
bool cli_password_new(struct cli *cli, Directory__AccountSecret *secret, char **password_out);
const char *cli_instance_name(struct cli *cli, const Config__Instance *instance); /* "casework", or "casework-1" */
/* "casework-1"; "casework" is partition 0. NULL after saying which there are. */
const Config__Instance *cli_instance_named(struct cli *cli, const char *name);
bool cli_is_service(const Config__Instance *instance); /* it has a log: not the gateway, not the link */

#endif
