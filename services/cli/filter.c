#include "filter.h"

#include "mapping.h"

#include <string.h>

static const struct filter_option *find(const struct filter_option *options, size_t count, const char *flag)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(options[i].flag, flag) == 0)
            return &options[i];
    return NULL;
}

static char *add(struct cli *cli, char *query, const char *parameter, const char *value)
{
    return arena_printf(&cli->arena, "%s%c%s=%s", query, *query ? '&' : '?', parameter, cli_escape(cli, value));
}

char *filter_query(struct cli *cli, int argc, char **argv, const struct filter_option *options, size_t count)
{
    char *query = arena_strdup(&cli->arena, "");
    for (int i = 0; i < argc; i++) {
        const struct filter_option *option = find(options, count, argv[i]);
        bool mapping = strcmp(argv[i], "--mapping") == 0, valued = mapping || (option && option->parameter);
        if (valued && i + 1 == argc) {
            cli_fail("%s needs a value", argv[i]);
            return NULL;
        }
        if (mapping) {
            const struct mapping *named = mapping_load(cli, argv[++i]);
            if (!named)
                return NULL;
            query = add(cli, query, "site", named->site);
        } else if (valued) {
            query = add(cli, query, option->parameter, argv[++i]);
        } else if (option) {
            *option->found = true;
        } else {
            cli_fail("\"%s\" is not understood here", argv[i]);
            return NULL;
        }
    }
    return query;
}
