#include "watchdog.h"

int main(int argc, char **argv)
{
    return service_main(argc, argv, &watchdog_service, NULL);
}
