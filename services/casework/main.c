#include "casework.h"

int main(int argc, char **argv)
{
    return service_main(argc, argv, &casework_service, NULL);
}
