#include "base/json_text.h"

/* What jansson 2.14 takes on 64 bits, with the slot in what holds it. Texts come on top: about three times themselves,
   which is why 13 of the 16 are for these. */
#define OBJECT_BYTES 256u
#define LIST_BYTES 160u
#define MEMBER_BYTES 136u
#define ITEM_BYTES 48u
#define FACTOR 13u
#define EXTRA (896u << 10)

struct scan {
    size_t weight;
    uint64_t lists; /* a bit for each level: it is a list */
    unsigned depth, line;
    bool quoted;
};

static void take(struct scan *scan, char c)
{
    bool list = scan->depth && scan->lists >> (scan->depth - 1) & 1;
    if (c == '"')
        scan->quoted = true;
    else if (c == '\n')
        scan->line++;
    else if (c == ':')
        scan->weight += MEMBER_BYTES;
    else if (c == ',' && list)
        scan->weight += ITEM_BYTES;
    else if ((c == ']' || c == '}') && scan->depth)
        scan->depth--;
    if (c != '[' && c != '{')
        return;
    uint64_t level = 1ull << scan->depth++;
    scan->lists = c == '[' ? scan->lists | level : scan->lists & ~level;
    scan->weight += c == '[' ? LIST_BYTES : OBJECT_BYTES;
}

bool json_text_bounded(struct bytes text, unsigned *line_out, const char **why_out)
{
    struct scan scan = {.line = 1};
    size_t most = text.size * FACTOR + EXTRA;
    for (size_t i = 0; i < text.size; i++) {
        char c = (char)text.data[i];
        if (!scan.quoted)
            take(&scan, c);
        else if (c == '\\')
            i++;
        else if (c == '"')
            scan.quoted = false;
        if (scan.depth <= JSON_TEXT_DEPTH_MAX && scan.weight <= most)
            continue;
        *line_out = scan.line;
        *why_out = scan.weight > most ? "more values than a text of this size may hold: send it in parts"
                                      : "nested deeper than 32 levels";
        return false;
    }
    return true;
}
