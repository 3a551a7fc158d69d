/* What `hearback policy` says of files that somebody is still writing: check, diff and rehearse run as that very
   command, a process to each request, with its files in a folder of its own, a limit of time and nothing of ours. So
   the loop never waits, and what the browser is told is what the command line tells. */
#ifndef HEARBACK_GATEWAY_POLICY_TOOL_H
#define HEARBACK_GATEWAY_POLICY_TOOL_H

#include "http.h"

#define POLICY_TOOL_AT_ONCE 2u
#define POLICY_TOOL_WAITING_MAX 8u
#define POLICY_TOOL_WAITING_OF_ACCOUNT_MAX 2u /* and one that runs */
#define POLICY_TOOL_MS 40000
#define POLICY_TOOL_ANSWER_BYTES_MAX (8u << 20)
#define POLICY_TOOL_ARGUMENTS_MAX 64u

struct policy_file {
    const char *path; /* that policy_tool_takes; others are refused */
    const char *text;
};
struct policy_tool {
    const char *arguments[POLICY_TOOL_ARGUMENTS_MAX]; /* behind `hearback --json policy`; ends with NULL */
    struct policy_file *files;
    size_t files_count;
};

/* "old/PROP-11/pack.yaml", "new/..", "night.yaml". What was published before its paths were looked at may be called
   anything. */
bool policy_tool_takes(const char *path);

/* Removes what a gateway that was killed has left behind. */
struct policy_tools *policy_tools_open(struct gateway *gateway);
/* Kills what runs, and removes its files: nobody is answered any more. */
void policy_tools_close(struct policy_tools *all);

/* `said` is what it printed, a reference that is the callee's; NULL without a refusal: it understood nothing of it.
   Called once, from the loop. */
typedef void policy_tool_fn(struct http_request *request, void *context, const Hb__Refusal *refused, json_t *said);
/* `tool` must stay until `done`. */
void policy_tool_run(struct http_request *request, const struct policy_tool *tool, policy_tool_fn *done, void *context);

#endif
