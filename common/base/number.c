#include "base/number.h"

bool number_read(const char *text, uint64_t most, uint64_t *number_out)
{
    uint64_t number = 0;
    const char *at = text;
    for (; *at >= '0' && *at <= '9'; at++) {
        unsigned digit = (unsigned)(*at - '0');
        if (number > most / 10 || digit > most - number * 10)
            return false;
        number = number * 10 + digit;
    }
    *number_out = number;
    return at != text && !*at;
}
