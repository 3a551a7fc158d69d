/* A form on paper: A4, black on white, one sheet or set of sheets for each copy. The style sheet is the portal's, whose
   print rules it shares. */
#include "document.h"

#include "page.h"

static const char *text_at(const json_t *json, const char *name)
{
    const char *text = json_string_value(json_object_get(json, name));
    return text ? text : "";
}

/* A pair in the reader's language, or a plain text. */
static const char *said(const json_t *value, bool english)
{
    return json_is_object(value) ? text_at(value, english ? "en" : "zh") : json_string_value(value);
}

static const char *short_time(struct html *html, const char *time)
{
    return strlen(time) >= 16 ? arena_printf(html->arena, "%.10s %.5s", time, time + 11) : time;
}

/* "2025-03-03T09:00:00+08:00" is for programs; on paper the minute is enough. */
static const char *shown(struct html *html, const json_t *value, bool english)
{
    const char *text = said(value, english);
    bool time =
        text && (strlen(text) == 25 || strlen(text) == 29) && text[4] == '-' && text[10] == 'T' && text[13] == ':';
    return !text ? "" : time ? short_time(html, text) : text;
}

static void print_rows(struct html *html, const json_t *rows, bool english)
{
    const json_t *row;
    size_t i;
    html_source(html, "<table><tbody>");
    json_array_foreach(rows, i, row) {
        bool sealed = json_is_true(json_object_get(row, "sealed")),
             withheld = json_is_true(json_object_get(row, "withheld"));
        html_add(html, "<tr><th scope=\"row\">%s</th><td>%s%s%s</td></tr>\n",
                 said(json_object_get(row, "label"), english),
                 sealed     ? (english ? "(sealed)" : "（已封存）")
                 : withheld ? (english ? "(withheld)" : "（不予显示）")
                            : shown(html, json_object_get(row, "value"), english),
                 *text_at(row, "at") ? "  " : "", short_time(html, text_at(row, "at")));
    }
    html_source(html, "</tbody></table>\n");
}

/* Nobody takes it for the whole. */
static void print_masked(struct html *html, const json_t *data, bool english)
{
    if (strcmp(text_at(json_object_get(data, "unopened"), "code"), "purpose_needed") == 0)
        html_add(html, "<p class=\"masked\">%s</p>",
                 english ? "Confidential: its texts are not on this sheet. To print them, state what it is for."
                         : "保密事项：内容未予打印；须打印的，请说明目的后另行打印。");
    if (json_is_true(json_object_get(data, "masked")))
        html_add(html, "<p class=\"masked\">%s</p>",
                 english
                     ? "Names, addresses and numbers are partly masked. To print them in full, state what it is for."
                     : "姓名、住址和号码已部分遮盖；须完整内容的，请说明目的后另行打印。");
}

/* A letter is its text and nothing beside it, but for what is not as it was written. */
static void print_letter(struct html *html, const json_t *data, bool english)
{
    const json_t *row = json_array_get(json_object_get(json_array_get(json_object_get(data, "blocks"), 0), "rows"), 0);
    bool sealed = json_is_true(json_object_get(row, "sealed")), kept = json_is_true(json_object_get(row, "withheld"));
    html_add(html, "<div class=\"letter\">%s</div>\n",
             sealed ? (english ? "(sealed)" : "（已封存）")
             : kept ? (english ? "(withheld)" : "（不予显示）")
                    : shown(html, json_object_get(row, "value"), english));
    print_masked(html, data, english);
    html_source(html, "</article>\n");
}

static void print_head(struct html *html, const json_t *data, bool english, const json_t *copy)
{
    const char *code = text_at(data, "code");
    html_add(html, "<header class=\"form-head\"><p class=\"soft\">%s%s%s v%d</p>", code, *code ? " · " : "",
             english ? "form" : "表单", (int)json_integer_value(json_object_get(data, "version")));
    html_add(html, "<h1>%s</h1><p>%s %s%s%s</p>", said(json_object_get(data, "name"), english),
             english ? "No." : "编号", text_at(data, "number"),
             json_is_true(json_object_get(data, "draft")) ? (english ? " (not issued)" : "（未出具）") : "",
             *text_at(data, "issued_at")
                 ? arena_printf(html->arena, " · %s", short_time(html, text_at(data, "issued_at")))
                 : "");
    if (copy)
        html_add(html, "<p class=\"soft\">%s %s</p>", english ? "Copy for" : "此联交", said(copy, english));
    html_source(html, "</header>\n");
}

static void print_sheet(struct html *html, const json_t *data, bool english, const json_t *copy)
{
    const json_t *block;
    size_t i;
    html_add(html, "<article class=\"sheet%s\">", strcmp(text_at(data, "class"), "red_header") == 0 ? " red" : "");
    print_head(html, data, english, copy);
    if (json_is_true(json_object_get(data, "letter"))) {
        print_letter(html, data, english);
        return;
    }
    json_array_foreach(json_object_get(data, "blocks"), i, block) {
        const char *title = said(json_object_get(block, "title"), english);
        if (*title)
            html_add(html, "<h2>%s</h2>", title);
        print_rows(html, json_object_get(block, "rows"), english);
    }
    print_masked(html, data, english);
    html_add(html, "<p class=\"soft small sign\">%s</p></article>\n",
             english ? "Signature ______________   Date ______________" : "签字 ______________　日期 ______________");
}

void document_print(struct http_request *request, const json_t *data, bool english)
{
    struct html html;
    const json_t *copies = json_object_get(data, "copies");
    size_t count = json_array_size(copies);
    html_init(&html, &request->arena);
    html_add(&html,
             "<!doctype html>\n<html lang=\"%s\"><head><meta charset=\"utf-8\">"
             "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">"
             "<title>%s %s</title><link rel=\"stylesheet\" href=\"%s\"></head><body class=\"paper\"><main>\n",
             english ? "en" : "zh-CN", said(json_object_get(data, "name"), english), text_at(data, "number"),
             page_style_address());
    for (size_t i = 0; i < count || i == 0; i++)
        print_sheet(&html, data, english, json_array_get(copies, i));
    html_source(&html, "</main></body></html>\n");
    http_set(request, "Content-Security-Policy",
             "default-src 'none'; style-src 'self'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'");
    http_respond(request, 200, "text/html; charset=utf-8", bytes_of(html.data, html.size));
}
