#include "portal_files.h"

void page_file_input(struct page *page)
{
    html_add(
        &page->html,
        "<div class=\"field\"><label for=\"files\">%s <span class=\"optional\">%s</span></label>"
        "<span class=\"hint\" id=\"files-hint\">%s</span>"
        "<input id=\"files\" name=\"files\" type=\"file\" multiple aria-describedby=\"files-hint\" "
        "accept=\"image/jpeg,image/png,image/webp,image/heic,image/gif,application/pdf,text/plain,audio/*,video/mp4,"
        ".docx,.xlsx,.odt,.csv\"></div>\n",
        page_text(page, TEXT_FILES), page_text(page, TEXT_OPTIONAL), page_text(page, TEXT_FILES_HINT));
}

void page_files_refused(struct page *page, const Gatewayrec__Session *session, bool link)
{
    if (session->attached)
        html_add(&page->html, "<p class=\"notice good\" role=\"status\">%s%s</p>\n", page_text(page, TEXT_FILES_TAKEN),
                 arena_printf(page->html.arena, "%u", session->attached));
    if (session->n_unattached == 0)
        return;
    html_add(&page->html, "<div class=\"notice warn\" role=\"alert\"><p>%s</p><ul>",
             page_text(page, TEXT_FILES_REFUSED));
    for (size_t i = 0; i < session->n_unattached; i++)
        html_add(&page->html, "<li>%s</li>", session->unattached[i]);
    html_add(&page->html, "</ul>");
    if (link)
        html_add(&page->html, "<p><a href=\"/case#files-title\">%s</a></p>", page_text(page, TEXT_FILES_AGAIN));
    html_add(&page->html, "</div>\n");
}
