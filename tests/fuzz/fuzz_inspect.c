/* A stranger's file, into the walks of hearback-inspect. What is kept begins and ends as its kind does, is no larger
   than what came but for a few bytes, and walked once more it is the same; of an archive the list is read within the
   file. And what the process answers that looks at one: taken is only a kind that is, with all its bytes. */
#include "fuzz.h"

#include "inspect.h"
#include "inspection_said.h"

#include <stdlib.h>
#include <string.h>

typedef enum found walk_fn(struct piece file, struct kept *kept);

static enum found film(struct piece file, struct kept *kept)
{
    return strip_boxes(file, kept, false);
}

static enum found heic(struct piece file, struct kept *kept)
{
    return strip_boxes(file, kept, true);
}

static const struct {
    walk_fn *walk;
    const char *begins;
    size_t size;
    bool blanks; /* what stands there may be what is read next */
} walks[] = {{strip_jpeg, "\xff\xd8", 2, false},
             {strip_png, "\x89PNG\r\n\x1a\n", 8, false},
             {strip_webp, "RIFF", 4, false},
             {strip_gif, "GIF8", 4, false},
             {film, "", 0, true},
             {heic, "", 0, true},
             {strip_mp3, "\xff", 1, false},
             {strip_wav, "RIFF", 4, false},
             {blank_pdf, "", 0, true},
             {blank_office, "", 0, true}};
#define WALKS (sizeof walks / sizeof *walks)

static enum found walk(unsigned which, struct piece file, struct kept *kept)
{
    kept->room = file.size + KEPT_EXTRA;
    kept->data = malloc(kept->room);
    must(kept->data);
    enum found found = walks[which].walk(file, kept);
    must(kept->size <= kept->room);
    return found;
}

static void strip(unsigned which, struct piece file)
{
    struct kept kept = {0}, again = {0};
    if (walk(which, file, &kept) == FOUND_GOOD) {
        must(kept.size >= walks[which].size && memcmp(kept.data, walks[which].begins, walks[which].size) == 0);
        must(kept.size <= file.size + 8);
        enum found second = walk(which, (struct piece){kept.data, kept.size}, &again);
        must(walks[which].blanks ||
             (second == FOUND_GOOD && again.size == kept.size && memcmp(again.data, kept.data, kept.size) == 0));
        free(again.data);
    }
    free(kept.data);
}

/* What a process that such a file has taken over may answer. */
static void check_answer(struct bytes answer)
{
    char found[INSPECTION_WORD_CHARACTERS + 1];
    struct bytes content;
    enum inspected inspected = inspection_said(answer, found, &content);
    must((inspected == INSPECTED_TAKEN) == (content.size > 0) && utf8_valid(found, strlen(found)));
    if (inspected != INSPECTED_TAKEN)
        return;
    must(content.data > answer.data && content.data + content.size == answer.data + answer.size);
    bool known = false;
    for (size_t i = 0; i < inspection_types_count; i++)
        known = known || strcmp(inspection_types[i], found) == 0;
    must(known);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2)
        return 0;
    /* of its own, so that a byte too far is seen */
    uint8_t *copy = malloc(size - 1);
    must(copy);
    memcpy(copy, data + 1, size - 1);
    struct piece file = {copy, size - 1};
    unsigned which = data[0] % (WALKS + 3);
    const char *type = NULL;
    fuzz_memory_begin();
    if (which < 6)
        strip(which, file);
    else if (which > 8)
        strip(which - 3, file);
    else if (which == 6)
        must(archive_look(file, &type) != FOUND_GOOD || archive_ends(file));
    else if (which == 7)
        check_answer(bytes_of(copy, file.size));
    else
        must(!text_is_mail(file) || !memchr(copy, 0, file.size < 65536 ? file.size : 65536));
    fuzz_memory_end(size);
    free(copy);
    return 0;
}
