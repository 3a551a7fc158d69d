/* What `hearback policy rehearse` and `hearback policy check` do, without the rest of the command. */
#include "rehearse.h"

#include <string.h>

int main(int argc, char **argv)
{
    if (argc < 2)
        return 2;
    return strcmp(argv[1], "check") == 0 ? check_main(argc - 1, argv + 1) : rehearse_main(argc - 1, argv + 1);
}
