#include "policy/compile.h"

#include <string.h>

static bool is_letter(unsigned char letter)
{
    return letter >= 0x80 || (letter >= '0' && letter <= '9') || ((letter | 0x20) >= 'a' && (letter | 0x20) <= 'z') ||
           (letter && strchr("._-", letter));
}

bool policy_is_name(const char *text, size_t size)
{
    if (!size || size > POLICY_NAME_BYTES_MAX || *text == '.' || *text == '-')
        return false;
    for (size_t i = 0; i < size; i++)
        if (!is_letter((unsigned char)text[i]))
            return false;
    return true;
}

bool policy_is_file(const char *name)
{
    size_t size = strlen(name);
    return size > 5 && strcmp(name + size - 5, ".yaml") == 0 && policy_is_name(name, size);
}

bool policy_is_source(const char *path)
{
    const char *slash = strchr(path, '/');
    return slash && policy_is_name(path, (size_t)(slash - path)) && policy_is_file(slash + 1);
}
