/* The hearback command's program. */
#include "cli.h"
#include "limited.h"

#include "process/process.h"

#include <curl/curl.h>
#include <sodium.h>

int main(int argc, char **argv)
{
    static struct cli cli;
    if (!limits_enter())
        return cli_fail("the limits cannot be set");
    arena_init(&cli.arena);
    process_follow_supervisor(); /* a task of `hearback up` ends with it */
    if (sodium_init() < 0 || curl_global_init(CURL_GLOBAL_DEFAULT))
        return cli_fail("libsodium or libcurl cannot start");
    return cli_run_command(&cli, argc, argv);
}
