/* What a foreign mail server says of its folder: its life (UIDVALIDITY), then the list of mails. The numbers that
   become commands are digits and in order, each once; a date that was understood is the one that is written so. */
#include "fuzz.h"

#include "imap_said.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static void check_validity(const char *text)
{
    char validity[IMAP_VALIDITY_CHARACTERS + 1] = "";
    if (!imap_said_validity(text, validity))
        return;
    must(*validity && strspn(validity, "0123456789") == strlen(validity) && strstr(text, validity));
}

/* Written as a server does, it is understood as the same. */
static void check_again(const struct listed *one, struct arena *arena)
{
    struct listed *again;
    size_t count;
    char date[64];
    struct tm broken;
    time_t at = (time_t)(one->received_ms / 1000);
    must(gmtime_r(&at, &broken) && strftime(date, sizeof date, "%d-%b-%Y %H:%M:%S +0000", &broken));
    char *line = arena_printf(arena, "* 1 FETCH (UID %lu FLAGS (%s) INTERNALDATE \"%s\" RFC822.SIZE %zu)\r\n", one->uid,
                              one->seen ? "\\Seen" : "", date, one->size);
    imap_said_list(line, arena, &again, &count);
    must(count == 1 && again->uid == one->uid && again->size == one->size && again->seen == one->seen);
    must(again->received_ms == one->received_ms);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena, one;
    struct listed *list;
    size_t count;
    char *text = malloc(size + 1); /* of its own, so that a byte too far is seen */
    must(text);
    if (size)
        memcpy(text, data, size);
    text[size] = 0;
    check_validity(text);
    arena_init(&arena);
    arena_init(&one);
    fuzz_memory_begin();
    imap_said_list(text, &arena, &list, &count);
    fuzz_memory_end(size);
    for (size_t i = 0; i < count; i++) {
        must(list[i].uid >= 1 && list[i].uid <= UINT32_MAX && !list[i].deleted && list[i].received_ms >= 0);
        must(i == 0 || list[i - 1].uid < list[i].uid);
        if (list[i].received_ms < 253370764800000) /* the year 9999 is as far as four digits go */
            check_again(&list[i], &one);
        arena_reset(&one);
    }
    arena_fini(&one);
    arena_fini(&arena);
    free(text);
    return 0;
}
