/* A mail of anybody, and what its reader is said to have found: whatever they are made of, there are only texts of
   bounded length in UTF-8 and files within their limits; what is written for the other process is read there as the
   same. */
#include "fuzz.h"

#include "mailbox.h"

static void check_text(const char *text, size_t characters_max)
{
    must(text && utf8_valid(text, strlen(text)));
    must(text[text_fitting(text, characters_max, SIZE_MAX)] == 0);
}

static void check(const struct mail *mail)
{
    size_t all = 0;
    const char *const lines[] = {mail->message_id, mail->name, mail->address,
                                 mail->subject,    mail->date, mail->automatic};
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        check_text(lines[i], MAIL_LINE_CHARACTERS_MAX);
        must(!strpbrk(lines[i], "\r\n"));
    }
    check_text(mail->text, MAIL_TEXT_CHARACTERS_MAX);
    must(mail->answered_count <= MAIL_ANSWERED_MAX && mail->files_count <= MAIL_FILES_MAX && mail->received_ms >= 0);
    for (size_t i = 0; i < mail->files_count; i++) {
        check_text(mail->files[i].name, 200);
        must(*mail->files[i].name && !strpbrk(mail->files[i].name, "/\\\r\n"));
        must(*mail->files[i].type && mail->files[i].content.size <= MAIL_FILE_BYTES_MAX);
        all += mail->files[i].content.size;
    }
    must(all <= MAIL_FILES_BYTES_MAX);
}

static void check_again(const struct mail *mail, struct arena *arena)
{
    struct mail again;
    struct bytes packed = wire_pack(mail, arena);
    must(wire_unpack(packed, arena, &again));
    must(strcmp(again.text, mail->text) == 0 && strcmp(again.subject, mail->subject) == 0 && again.cut == mail->cut);
    must(again.files_count == mail->files_count && again.left_out == mail->left_out);
    must(again.answered_count == mail->answered_count && again.received_ms == mail->received_ms);
    for (size_t i = 0; i < mail->files_count; i++) {
        must(strcmp(again.files[i].name, mail->files[i].name) == 0);
        must(bytes_equal(again.files[i].content, mail->files[i].content));
    }
    must(!wire_unpack(bytes_of(packed.data, packed.size - 1), arena, &again));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena;
    struct mail mail;
    const char *why;
    fuzz_memory_begin();
    arena_init(&arena);
    if (mail_parse(bytes_of(data, size), &arena, &mail, &why)) {
        check(&mail);
        check_again(&mail, &arena);
    } else {
        must(*why);
    }
    if (wire_unpack(bytes_of(data, size), &arena, &mail)) /* as an attacked reader would write it */
        must(mail.files_count <= MAIL_FILES_MAX && mail.text && mail.subject);
    char *text = html_text(charset_text(bytes_of(data, size), "gb18030", &arena), &arena);
    must(utf8_valid(text, strlen(text)));
    fuzz_memory_end(size);
    arena_fini(&arena);
    return 0;
}
