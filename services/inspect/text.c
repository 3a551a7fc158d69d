#include "inspect.h"

#include <string.h>

#define FIELDS_LEAST 2u

/* "Name: value", and lines that begin with a blank go on with it; an empty line ends the head. Lines are searched for
   within the first 64 KiB only. */
bool text_is_mail(struct piece file)
{
    size_t at = 0, most = file.size < (64u << 10) ? file.size : 64u << 10;
    unsigned fields = 0;
    if (memchr(file.data, 0, most))
        return false;
    while (at < most) {
        const uint8_t *end = memchr(file.data + at, '\n', most - at);
        size_t size = end ? (size_t)(end - file.data) - at : most - at;
        const uint8_t *line = file.data + at;
        size_t name = 0;
        if (size == 0 || (size == 1 && line[0] == '\r'))
            break;
        while (name < size && line[name] > ' ' && line[name] < 127 && line[name] != ':')
            name++;
        bool field = name > 0 && name < size && line[name] == ':';
        bool goes_on = fields && (line[0] == ' ' || line[0] == '\t');
        if (!field && !goes_on)
            return false;
        fields += field;
        at += size + 1;
    }
    return fields >= FIELDS_LEAST;
}

/* Nothing that a terminal or an old viewer would obey; whatever the encoding, no zero bytes. */
bool text_is_plain(struct piece file)
{
    for (size_t i = 0; i < file.size; i++) {
        uint8_t c = file.data[i];
        if (c < ' ' && c != '\n' && c != '\r' && c != '\t' && c != '\f')
            return false;
    }
    return true;
}
