/* What a mail says: GMime reads the form, this file asks what of it is the complaint. Of alternatives the plain text is
   taken, else the page's words; whatever else is a file by itself. Nothing is decided to be unimportant: what finds no
   room is counted, and stands in the original. */
#include "mailbox.h"

#include <ctype.h>
#include <gmime/gmime.h>
#include <stdio.h>
#include <strings.h>

#define HTML_BYTES_MAX (8u << 20) /* of a page and of a text, what is read: more than a case keeps of it */
#define PLAIN_BYTES_MAX (1u << 20)

struct reading {
    struct arena *arena;
    struct mail *mail;
    char *text; /* grows to the double of what is kept, then no more */
    size_t text_size;
    size_t files_bytes;
    unsigned seen;
    unsigned files_numbered;
};

static const char *line_of(struct arena *arena, const char *text)
{
    char *clean = charset_text(bytes_of_text(text ? text : ""), "UTF-8", arena), *to = clean;
    bool blank = false;
    for (const char *c = clean; *c; c++) {
        if ((unsigned char)*c <= ' ' || *c == 0x7F) {
            blank = to != clean;
            continue;
        }
        if (blank)
            *to++ = ' ';
        blank = false;
        *to++ = *c;
    }
    *to = 0;
    clean[text_fitting(clean, MAIL_LINE_CHARACTERS_MAX, SIZE_MAX)] = 0;
    return clean;
}

/* ---- what a part holds ---- */

static struct bytes content_of(const struct reading *reading, GMimePart *part)
{
    GMimeDataWrapper *content = g_mime_part_get_content(part);
    GMimeStream *stream = g_mime_stream_mem_new();
    struct bytes copy = {(const uint8_t *)"", 0};
    if (content && g_mime_data_wrapper_write_to_stream(content, stream) >= 0) {
        GByteArray *bytes = g_mime_stream_mem_get_byte_array(GMIME_STREAM_MEM(stream));
        if (bytes->len)
            copy = arena_copy(reading->arena, bytes_of(bytes->data, bytes->len));
    }
    g_object_unref(stream);
    return copy;
}

static bool type_is(GMimeObject *object, const char *type, const char *subtype)
{
    GMimeContentType *content = g_mime_object_get_content_type(object);
    return content && g_mime_content_type_is_type(content, type, subtype);
}

static const char *parameter_of(GMimeObject *object, const char *name)
{
    GMimeContentType *content = g_mime_object_get_content_type(object);
    return content ? g_mime_content_type_get_parameter(content, name) : NULL;
}

/* Text to be read on the spot, not a file that happens to be text. */
static bool is_body(GMimeObject *object)
{
    const char *disposition = g_mime_object_get_disposition(object);
    bool attached = disposition && strcasecmp(disposition, "attachment") == 0;
    bool words = type_is(object, "text", "plain") || type_is(object, "text", "html") ||
                 type_is(object, "text", "enriched") || type_is(object, "text", "x-markdown");
    return GMIME_IS_PART(object) && words && !attached && !g_mime_part_get_filename(GMIME_PART(object));
}

/* A page may say its charset itself. */
static const char *charset_within(const struct reading *reading, struct bytes page)
{
    size_t size = page.size < 2048 ? page.size : 2048;
    const char *head = arena_text(reading->arena, (const char *)page.data, size), *at = strcasestr(head, "charset=");
    if (!at)
        return NULL;
    at += strlen("charset=");
    at += *at == '"' || *at == '\'';
    return arena_text(reading->arena, at, strcspn(at, "\"' >/;"));
}

/* Lines end with a line feed, and nothing blank follows the last. */
static char *lines_of(char *text)
{
    char *to = text;
    for (const char *c = text; *c; c++)
        if (c[0] != '\r' || c[1] != '\n')
            *to++ = *c;
    while (to > text && isspace((unsigned char)to[-1]))
        to--;
    *to = 0;
    return text;
}

static const char *words_of(const struct reading *reading, GMimeObject *object)
{
    struct bytes content = content_of(reading, GMIME_PART(object));
    const char *charset = parameter_of(object, "charset");
    bool page = type_is(object, "text", "html");
    size_t most = page ? HTML_BYTES_MAX : PLAIN_BYTES_MAX;
    if (content.size > most) {
        content.size = most;
        reading->mail->cut = true;
    }
    if (page && (!charset || strcasecmp(charset, "us-ascii") == 0)) {
        const char *own = charset_within(reading, content);
        charset = own ? own : charset;
    }
    char *text = charset_text(content, charset, reading->arena);
    return page ? html_text(text, reading->arena) : lines_of(text);
}

static bool blank(const char *text)
{
    while (*text && isspace((unsigned char)*text))
        text++;
    return !*text;
}

/* ---- gathering ---- */

static void add_words(struct reading *reading, const char *words)
{
    const size_t most = 2u * MAIL_TEXT_BYTES_MAX;
    if (blank(words))
        return;
    size_t size = strlen(words), room = most - reading->text_size;
    if (reading->text_size && room > 2) {
        memcpy(reading->text + reading->text_size, "\n\n", 2);
        reading->text_size += 2;
        room -= 2;
    }
    size_t part = size < room ? size : text_fitting(words, SIZE_MAX, room);
    memcpy(reading->text + reading->text_size, words, part);
    reading->text_size += part;
    reading->mail->cut = reading->mail->cut || part < size;
}

static bool fits(const struct reading *reading, size_t size)
{
    return reading->mail->files_count < MAIL_FILES_MAX && size <= MAIL_FILE_BYTES_MAX &&
           reading->files_bytes + size <= MAIL_FILES_BYTES_MAX;
}

/* A name that is one on any system: no folders, no line ends. */
static const char *name_of(struct reading *reading, const char *given, const char *otherwise)
{
    char *name = (char *)(uintptr_t)line_of(reading->arena, given);
    for (char *c = name; *c; c++)
        if (strchr("/\\:*?\"<>|", *c))
            *c = '_';
    name[text_fitting(name, 100, 180)] = 0;
    while (*name == '.')
        name++;
    return *name ? name : arena_printf(reading->arena, "%s-%u", otherwise, ++reading->files_numbered);
}

static void add_file(struct reading *reading, const char *name, GMimeObject *object, struct bytes content)
{
    struct mail *mail = reading->mail;
    if (!fits(reading, content.size)) {
        mail->left_out++;
        return;
    }
    char *type = g_mime_content_type_get_mime_type(g_mime_object_get_content_type(object));
    for (char *c = type; *c; c++)
        *c = (char)tolower((unsigned char)*c);
    bool plain = strspn(type, "abcdefghijklmnopqrstuvwxyz0123456789/+-._") == strlen(type) && strlen(type) < 100;
    mail->files = arena_grow(reading->arena, mail->files, mail->files_count, sizeof *mail->files);
    mail->files[mail->files_count++] =
        (struct mail_file){name, plain ? arena_strdup(reading->arena, type) : "application/octet-stream", content};
    reading->files_bytes += content.size;
    g_free(type);
}

static void add_part(struct reading *reading, GMimePart *part)
{
    struct arena_mark mark = arena_mark(reading->arena);
    struct bytes content = {(const uint8_t *)"", 0};
    bool room = reading->mail->files_count < MAIL_FILES_MAX;
    if (room)
        content = content_of(reading, part);
    if (!room || !fits(reading, content.size)) {
        arena_return(reading->arena, mark);
        reading->mail->left_out++;
        return;
    }
    if (content.size)
        add_file(reading, name_of(reading, g_mime_part_get_filename(part), "attachment"), GMIME_OBJECT(part), content);
}

/* A mail within the mail is one file, whole. */
static void add_message(struct reading *reading, GMimeMessagePart *part)
{
    GMimeMessage *message = g_mime_message_part_get_message(part);
    if (!message || reading->mail->files_count >= MAIL_FILES_MAX) {
        reading->mail->left_out++;
        return;
    }
    GMimeStream *stream = g_mime_stream_mem_new();
    g_mime_object_write_to_stream(GMIME_OBJECT(message), NULL, stream);
    GByteArray *bytes = g_mime_stream_mem_get_byte_array(GMIME_STREAM_MEM(stream));
    const char *subject = name_of(reading, g_mime_message_get_subject(message), "message");
    add_file(reading, arena_printf(reading->arena, "%s.eml", subject), GMIME_OBJECT(part),
             bytes->len ? arena_copy(reading->arena, bytes_of(bytes->data, bytes->len))
                        : (struct bytes){(const uint8_t *)"", 0});
    g_object_unref(stream);
}

/* ---- the tree ---- */

static bool too_deep(struct reading *reading, unsigned depth)
{
    bool over = depth > MAIL_DEPTH_MAX || ++reading->seen > MAIL_PARTS_MAX;
    reading->mail->left_out += over;
    return over;
}

/* Is there a text of this kind to be read under it? */
static bool offers(const struct reading *reading, GMimeObject *object, const char *subtype, unsigned depth)
{
    if (depth > MAIL_DEPTH_MAX)
        return false;
    if (GMIME_IS_MULTIPART(object)) {
        int count = g_mime_multipart_get_count(GMIME_MULTIPART(object));
        for (int i = 0; i < count && i < 100; i++)
            if (offers(reading, g_mime_multipart_get_part(GMIME_MULTIPART(object), i), subtype, depth + 1))
                return true;
        return false;
    }
    if (!is_body(object) || !type_is(object, "text", subtype))
        return false;
    struct arena_mark mark = arena_mark(reading->arena);
    bool words = !blank(words_of(reading, object));
    arena_return(reading->arena, mark);
    return words;
}

static void walk(struct reading *reading, GMimeObject *object, bool words, unsigned depth);

/* The plain text if it says anything, else the page; files that lie within the others are kept all the same. */
static void walk_alternatives(struct reading *reading, GMimeMultipart *multipart, bool words, unsigned depth)
{
    static const char *const wanted[] = {"plain", "html", "*"};
    int count = g_mime_multipart_get_count(multipart), chosen = -1;
    for (size_t w = 0; words && w < 3 && chosen < 0; w++)
        for (int i = 0; i < count && i < 100 && chosen < 0; i++)
            if (offers(reading, g_mime_multipart_get_part(multipart, i), wanted[w], depth + 1))
                chosen = i;
    for (int i = 0; i < count; i++)
        walk(reading, g_mime_multipart_get_part(multipart, i), i == chosen, depth + 1);
}

static void walk(struct reading *reading, GMimeObject *object, bool words, unsigned depth)
{
    if (!object || too_deep(reading, depth))
        return;
    if (GMIME_IS_MULTIPART(object) && type_is(object, "multipart", "alternative")) {
        walk_alternatives(reading, GMIME_MULTIPART(object), words, depth);
    } else if (GMIME_IS_MULTIPART(object)) {
        int count = g_mime_multipart_get_count(GMIME_MULTIPART(object));
        for (int i = 0; i < count; i++)
            walk(reading, g_mime_multipart_get_part(GMIME_MULTIPART(object), i), words, depth + 1);
    } else if (GMIME_IS_MESSAGE_PART(object)) {
        add_message(reading, GMIME_MESSAGE_PART(object));
    } else if (is_body(object)) {
        if (words && reading->text_size < 2u * MAIL_TEXT_BYTES_MAX)
            add_words(reading, words_of(reading, object));
        else if (words)
            reading->mail->cut = true;
    } else if (GMIME_IS_PART(object)) {
        add_part(reading, GMIME_PART(object));
    }
}

/* ---- headers ---- */

static const char *header(GMimeMessage *message, const char *name)
{
    const char *value = g_mime_object_get_header(GMIME_OBJECT(message), name);
    while (value && isspace((unsigned char)*value))
        value++;
    return value;
}

static void writer(struct reading *reading, GMimeMessage *message)
{
    InternetAddressList *lists[] = {g_mime_message_get_reply_to(message), g_mime_message_get_from(message)};
    reading->mail->name = reading->mail->address = "";
    for (size_t l = 0; l < 2; l++)
        for (int i = 0; lists[l] && i < internet_address_list_length(lists[l]) && i < 20; i++) {
            InternetAddress *address = internet_address_list_get_address(lists[l], i);
            if (!INTERNET_ADDRESS_IS_MAILBOX(address))
                continue;
            if (!*reading->mail->name)
                reading->mail->name = line_of(reading->arena, internet_address_get_name(address));
            if (!*reading->mail->address)
                reading->mail->address =
                    line_of(reading->arena, internet_address_mailbox_get_addr(INTERNET_ADDRESS_MAILBOX(address)));
        }
}

static void add_answered(struct reading *reading, const char *value)
{
    struct mail *mail = reading->mail;
    GMimeReferences *list = value ? g_mime_references_parse(NULL, value) : NULL;
    for (int i = 0; list && i < g_mime_references_length(list) && mail->answered_count < MAIL_ANSWERED_MAX; i++) {
        mail->answered = arena_grow(reading->arena, mail->answered, mail->answered_count, sizeof *mail->answered);
        mail->answered[mail->answered_count++] = line_of(reading->arena, g_mime_references_get_message_id(list, i));
    }
    if (list)
        g_mime_references_free(list);
}

/* "from ... by ...; Mon, 3 Mar 2025 22:13:05 +0800": the topmost was written by the server that had it last. */
static int64_t received(GMimeMessage *message)
{
    const char *value = header(message, "Received"), *date = value ? strrchr(value, ';') : NULL;
    GDateTime *time = date ? g_mime_utils_header_decode_date(date + 1) : NULL;
    int64_t ms = time ? g_date_time_to_unix(time) * 1000 : 0;
    if (time)
        g_date_time_unref(time);
    return ms > 0 ? ms : 0;
}

static bool begins(const char *value, const char *with)
{
    return value && strncasecmp(value, with, strlen(with)) == 0;
}

/* Programs that answer without saying so in a header say it here. */
static bool is_automatic_answer(const char *subject)
{
    static const char *const words[] = {
        "自动回复", "自動回覆",      "自動応答",       "Automatic reply", "Auto reply",       "Auto-reply", "AutoReply",
        "Auto:",    "Out of Office", "Undeliverable:", "Delivery Status", "Undelivered Mail", "系统退信"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (begins(subject, words[i]))
            return true;
    return false;
}

/* Programs that write to us complain of nothing, and answering them makes loops (RFC 3834). */
static const char *automatic(GMimeMessage *message, const struct mail *mail)
{
    const char *path = header(message, "Return-Path"), *by = header(message, "Auto-Submitted"),
               *precedence = header(message, "Precedence");
    GMimeObject *body = g_mime_message_get_mime_part(message);
    size_t id = strlen(mail->message_id);
    if (id >= 9 && strcmp(mail->message_id + id - 9, "@hearback") == 0)
        return "it is one of our own notices, come back";
    if (body && type_is(body, "multipart", "report"))
        return "it is a report of a mail server or of a reader (multipart/report)";
    if (path && strncmp(path, "<>", 2) == 0)
        return "it has no sender to answer to (Return-Path: <>): a bounce";
    if (begins(mail->address, "mailer-daemon@") || begins(mail->address, "postmaster@"))
        return "it was written by a mail server (mailer-daemon, postmaster)";
    if (by && !begins(by, "no"))
        return "it was written by a program (Auto-Submitted)";
    if (header(message, "X-Autoreply") || header(message, "X-Autorespond") || begins(precedence, "auto_reply"))
        return "it is an automatic answer (X-Autoreply, Precedence)";
    if (is_automatic_answer(mail->subject))
        return "it is an automatic answer by its subject";
    if (header(message, "List-Id") || header(message, "List-Post") || begins(precedence, "list"))
        return "it came by a mailing list (List-Id, Precedence: list)";
    if (begins(precedence, "bulk") || begins(precedence, "junk"))
        return "it was sent to many (Precedence)";
    return "";
}

static void headers(struct reading *reading, GMimeMessage *message)
{
    struct mail *mail = reading->mail;
    mail->message_id = line_of(reading->arena, g_mime_message_get_message_id(message));
    mail->subject = line_of(reading->arena, g_mime_message_get_subject(message));
    mail->date = line_of(reading->arena, header(message, "Date"));
    writer(reading, message);
    add_answered(reading, header(message, "In-Reply-To"));
    add_answered(reading, header(message, "References"));
    mail->received_ms = received(message);
    mail->automatic = automatic(message, mail);
}

static void body(struct reading *reading, GMimeMessage *message)
{
    struct mail *mail = reading->mail;
    reading->text = arena_alloc(reading->arena, 2u * MAIL_TEXT_BYTES_MAX + 1);
    walk(reading, g_mime_message_get_mime_part(message), true, 0);
    reading->text[reading->text_size] = 0;
    size_t kept = text_fitting(reading->text, MAIL_TEXT_CHARACTERS_MAX, MAIL_TEXT_BYTES_MAX);
    mail->cut = mail->cut || reading->text[kept];
    reading->text[kept] = 0;
    mail->text = reading->text;
}

/* ---- all of it ---- */

static GMimeParserOptions *options_new(void)
{
    static const char *charsets[] = {"utf-8", "gb18030", NULL}; /* of headers that say none */
    GMimeParserOptions *options = g_mime_parser_options_new();
    g_mime_parser_options_set_fallback_charsets(options, charsets);
    g_mime_parser_options_set_allow_addresses_without_domain(options, TRUE);
    return options;
}

bool mail_parse(struct bytes raw, struct arena *arena, struct mail *mail_out, const char **why_out)
{
    static bool begun;
    if (!begun)
        g_mime_init();
    begun = true;
    *mail_out = (struct mail){0};
    *why_out = "it is no mail: it begins with no header like \"From: name@example.org\"";
    GMimeParserOptions *options = options_new();
    GMimeStream *stream = g_mime_stream_mem_new_with_buffer((const char *)raw.data, raw.size);
    GMimeParser *parser = g_mime_parser_new_with_stream(stream);
    GMimeMessage *message = raw.size ? g_mime_parser_construct_message(parser, options) : NULL;
    bool mail = message && (header(message, "From") || header(message, "Subject") || header(message, "Received") ||
                            header(message, "Date"));
    if (mail) {
        struct reading reading = {.arena = arena, .mail = mail_out};
        headers(&reading, message);
        body(&reading, message);
    }
    if (message)
        g_object_unref(message);
    g_object_unref(parser);
    g_object_unref(stream);
    g_mime_parser_options_free(options);
    return mail;
}
