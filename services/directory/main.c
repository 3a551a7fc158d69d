#include "directory.h"

int main(int argc, char **argv)
{
    return service_main(argc, argv, &directory_service, NULL);
}
