#include "routing.h"

int main(int argc, char **argv)
{
    return service_main(argc, argv, &routing_service, NULL);
}
