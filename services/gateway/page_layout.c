/* The frame of every page: head, top line with the languages, foot. */
#include "page.h"

#include "portal_style.h"

#include <sodium.h>
#include <stdio.h>

struct bytes page_style(void)
{
    return bytes_of(portal_style, sizeof portal_style);
}

struct bytes page_script(void)
{
    return bytes_of(portal_script, sizeof portal_script);
}

static const char *address_of(const char *path, struct bytes content, char address[64])
{
    uint8_t hash[16];
    if (!*address) {
        crypto_generichash(hash, sizeof hash, content.data, content.size, NULL, 0);
        snprintf(address, 64, "%s?v=%02x%02x%02x%02x%02x%02x", path, hash[0], hash[1], hash[2], hash[3], hash[4],
                 hash[5]);
    }
    return address;
}

const char *page_style_address(void)
{
    static char address[64];
    return address_of("/static/portal.css", page_style(), address);
}

static const char *script_address(void)
{
    static char address[64];
    return address_of("/static/portal.js", page_script(), address);
}

const char *page_text(const struct page *page, enum text_id id)
{
    return portal_text(page->language, id);
}

void page_say(struct page *page, enum text_id id)
{
    html_text(&page->html, page_text(page, id));
}

static void language_switch(struct page *page, enum language language)
{
    const char *tag = language_tag(language), *name = language_name(language);
    if (language == page->language)
        html_add(&page->html, "<span aria-current=\"true\" lang=\"%s\">%s</span>", tag, name);
    else if (page->here)
        html_add(&page->html, "<a href=\"%s%slang=%s\" lang=\"%s\" hreflang=\"%s\">%s</a>", page->here,
                 strchr(page->here, '?') ? "&" : "?", tag, tag, tag, name);
    else
        html_add(&page->html, "<button form=\"form\" name=\"lang\" value=\"%s\" lang=\"%s\">%s</button>", tag, tag,
                 name);
}

static void head(struct page *page, const char *title, bool wrong)
{
    html_add(&page->html,
             "<!doctype html>\n<html lang=\"%s\"><head><meta charset=\"utf-8\">"
             "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">"
             "<meta name=\"robots\" content=\"noindex\"><meta name=\"format-detection\" content=\"telephone=no\">"
             "<title>%s%s – %s</title><link rel=\"stylesheet\" href=\"%s\">",
             language_tag(page->language), wrong ? page_text(page, TEXT_ERROR_TITLE) : "", title,
             *page->site ? page->site : page_text(page, TEXT_BRAND), page_style_address());
    if (page->script)
        html_add(&page->html, "<script src=\"%s\" defer></script>", script_address());
    html_source(&page->html, "</head>\n");
}

void page_begin(struct page *page, const char *title, bool wrong)
{
    head(page, title, wrong);
    html_add(&page->html, "<body><a class=\"skip\" href=\"#main\">%s</a>\n<header class=\"top\"><div class=\"in\">",
             page_text(page, TEXT_SKIP));
    html_add(&page->html, "<a class=\"brand\" href=\"/\">%s</a>",
             *page->site ? page->site : page_text(page, TEXT_BRAND));
    html_add(&page->html, "<nav aria-label=\"%s\">", page_text(page, TEXT_LANGUAGE));
    language_switch(page, LANGUAGE_ZH);
    language_switch(page, LANGUAGE_EN);
    html_add(&page->html, "</nav></div></header>\n");
    if (page->demonstration)
        html_add(&page->html, "<p class=\"demonstration\" role=\"note\">%s</p>\n", page_text(page, TEXT_DEMONSTRATION));
    html_add(&page->html, "<main id=\"main\" tabindex=\"-1\">\n");
}

void page_heading(struct page *page, const char *title)
{
    html_add(&page->html, "<h1>%s</h1>\n", title);
}

void page_back(struct page *page, const char *href)
{
    html_add(&page->html, "<p class=\"back\"><a href=\"%s\">← %s</a></p>\n", href, page_text(page, TEXT_BACK));
}

void page_end(struct page *page)
{
    html_add(&page->html,
             "</main>\n<footer class=\"foot\"><div class=\"in\"><a href=\"/\">%s</a><a href=\"/track\">%s</a><p>%s</p>"
             "</div></footer></body></html>\n",
             page_text(page, TEXT_HOME), page_text(page, TEXT_TRACK), page_text(page, TEXT_FOOT_PRIVACY));
}

void page_clauses(struct page *page, char *const *clauses, size_t count)
{
    if (count == 0)
        return;
    html_add(&page->html, "<p class=\"soft small\">%s ", page_text(page, TEXT_CLAUSES));
    for (size_t i = 0; i < count; i++)
        html_add(&page->html, "%s%s", i ? (page->language == LANGUAGE_ZH ? "、" : ", ") : "", clauses[i]);
    html_add(&page->html, "</p>");
}
