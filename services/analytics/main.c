#include "analytics.h"

int main(int argc, char **argv)
{
    return service_main(argc, argv, &analytics_service, NULL);
}
