/* `hearback run NAME`: becomes the program of one instance. For systemd and containers, which name instances. */
#include "cli.h"

#include "base/number.h"
#include "config/config.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

const Config__Instance *cli_instance_named(struct cli *cli, const char *name)
{
    const char *dash = strrchr(name, '-');
    size_t size = dash ? (size_t)(dash - name) : strlen(name);
    uint64_t partition = 0;
    bool sound = !dash || number_read(dash + 1, UINT32_MAX, &partition);
    if (!cli_config(cli))
        return NULL;
    Hb__Service service = config_service_of_name(arena_text(&cli->arena, name, size));
    const Config__Instance *found = sound ? config_instance(cli->config, service, (uint32_t)partition) : NULL;
    if (!found) {
        cli_fail("%s names no instance %s; it names:", cli_path(cli, "hearback.yaml"), name);
        for (size_t i = 0; i < cli->config->n_instances; i++)
            fprintf(stderr, "  %s-%" PRIu32 "\n", config_service_name(cli->config->instances[i]->service),
                    cli->config->instances[i]->partition);
    }
    return found;
}

int cli_run(struct cli *cli, int argc, char **argv)
{
    if (argc != 2)
        return cli_usage("hearback run NAME\n"
                         "  runs one instance of DIR/hearback.yaml in the foreground: casework, or casework-1");
    const Config__Instance *instance = cli_instance_named(cli, argv[1]);
    if (!instance)
        return CLI_USAGE; /* 2: as a service says that it must not be started again before something is mended */
    const char *program =
        arena_printf(&cli->arena, "%s/hearback-%s", cli->programs, config_service_name(instance->service));
    execl(program, program, "--config", cli_path(cli, "hearback.yaml"), "--partition",
          arena_printf(&cli->arena, "%" PRIu32, instance->partition), (char *)NULL);
    return cli_fail("%s cannot be started: %s", program, strerror(errno));
}
