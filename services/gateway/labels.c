/* Labels for places, 50 x 50 mm, twenty to a sheet of A4: scanning one opens the portal's form with site and place
   filled in. Whoever may register cases at the site may print them; intake, which decides that, is asked. */
#include "labels.h"

#include "cell.h"
#include "page.h"
#include "portal_place.h"
#include "portal_visit.h"
#include "problem.h"
#include "qr.h"
#include "sites.h"

#define LABELS_TO_A_SHEET 20u

struct labels {
    const char *site, *kind;
    char *places[LABELS_MAX];
    size_t count;
    bool english, json;
    const Hb__Label *site_name;
};

static bool refuse(struct http_request *request, const char *field, const char *zh, const char *en)
{
    Hb__Refusal *refusal = problem_new(request, 422, "bad_field", zh, en);
    refusal->field = arena_strdup(&request->arena, field);
    problem_respond(request, refusal);
    return false;
}

/* One a line, or with commas between them. */
static bool places_read(struct http_request *request, struct labels *labels)
{
    const char *text = http_query(request, "places"), *wide = "，";
    for (const char *at = text ? text : ""; *at;) {
        size_t size = 0;
        while (at[size] && !strchr(",\r\n", at[size]) && strncmp(at + size, wide, strlen(wide)) != 0)
            size++;
        const char *from = at + strspn(at, " ");
        size_t length = from < at + size ? (size_t)(at + size - from) : 0;
        while (length && from[length - 1] == ' ')
            length--;
        if (length > LABELS_PLACE_BYTES_MAX || (length && labels->count == LABELS_MAX))
            return refuse(request, "places", "最多 500 处，每处名称不超过 200 字节",
                          "at most 500 places, each of at most 200 bytes");
        if (length)
            labels->places[labels->count++] = arena_text(&request->arena, from, length);
        at += size;
        at += *at ? (strncmp(at, wide, strlen(wide)) == 0 ? strlen(wide) : 1) : 0;
    }
    return labels->count || refuse(request, "places", "请给出地点，每行一处或用逗号分隔",
                                   "name the places, one a line or with commas between them");
}

static char *address_of(struct http_request *request, const struct labels *labels, char *name)
{
    Gatewayrec__Place place = GATEWAYREC__PLACE__INIT;
    place.site = (char *)(uintptr_t)labels->site;
    place.kind = (char *)(uintptr_t)labels->kind;
    place.place = name;
    return arena_printf(&request->arena, "%s/s/%s", portal_base(request),
                        place_token_make(&request->gateway->portal->keys, &place, &request->arena));
}

static void respond_json(struct http_request *request, const struct labels *labels)
{
    json_t *list = json_array();
    for (size_t i = 0; i < labels->count; i++)
        json_array_append_new(list, json_pack("{s:s, s:s}", "place", labels->places[i], "address",
                                              address_of(request, labels, labels->places[i])));
    http_respond_json(request, 200, json_pack("{s:o}", "labels", list));
}

static void add_label(struct http_request *request, struct html *html, const struct labels *labels, size_t at)
{
    enum language language = labels->english ? LANGUAGE_EN : LANGUAGE_ZH;
    html_source(html, "<li>");
    qr_add(html, address_of(request, labels, labels->places[at]), labels->places[at]);
    html_add(html, "<b>%s</b><span>%s</span><span>%s</span></li>\n", labels->places[at],
             portal_label(language, labels->site_name), portal_text(language, TEXT_LABEL_SCAN));
}

static void respond_sheet(struct http_request *request, const struct labels *labels)
{
    struct html html;
    enum language language = labels->english ? LANGUAGE_EN : LANGUAGE_ZH;
    const char *base = portal_base(request);
    /* whole, so that the page may be kept in a file */
    const char *style = arena_printf(&request->arena, "%s%s", base, page_style_address());
    html_init(&html, &request->arena);
    html_add(&html,
             "<!doctype html>\n<html lang=\"%s\"><head><meta charset=\"utf-8\">"
             "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">"
             "<title>%s – %s</title><link rel=\"stylesheet\" href=\"%s\"></head><body class=\"paper\"><main>\n"
             "<h1 class=\"screen\">%s</h1><p class=\"screen\">%s</p>\n",
             language_tag(language), portal_text(language, TEXT_LABELS), portal_label(language, labels->site_name),
             style, portal_text(language, TEXT_LABELS), portal_text(language, TEXT_LABELS_LEAD));
    for (size_t i = 0; i < labels->count; i++) {
        if (i % LABELS_TO_A_SHEET == 0)
            html_source(&html, "<ul class=\"labels\">\n");
        add_label(request, &html, labels, i);
        if (i % LABELS_TO_A_SHEET == LABELS_TO_A_SHEET - 1 || i + 1 == labels->count)
            html_source(&html, "</ul>\n");
    }
    html_source(&html, "</main></body></html>\n");
    http_set(request, "Content-Security-Policy",
             arena_printf(&request->arena, "default-src 'none'; style-src 'self' %s; frame-ancestors 'none'", base));
    http_respond(request, 200, "text/html; charset=utf-8", bytes_of(html.data, html.size));
}

/* ---- may this account register cases there? is the site open to the public? ---- */

static void on_may(struct http_request *request, void *context, const Hb__Refusal *refused, const Hb__QueryReply *reply)
{
    (void)reply;
    const struct labels *labels = context;
    if (refused)
        problem_respond(request, refused);
    else if (labels->json)
        respond_json(request, labels);
    else
        respond_sheet(request, labels);
}

static void ask_right(struct http_request *request, struct labels *labels)
{
    Hb__Query query = HB__QUERY__INIT;
    Intake__Query intake = INTAKE__QUERY__INIT;
    Intake__FindAlike nothing = INTAKE__FIND_ALIKE__INIT; /* answered to those who may register there, with nothing */
    query.site = (char *)(uintptr_t)labels->site;
    query.payload_case = HB__QUERY__PAYLOAD_INTAKE;
    query.intake = &intake;
    intake.kind_case = INTAKE__QUERY__KIND_ALIKE;
    intake.alike = &nothing;
    cell_query(request, HB__SERVICE__INTAKE, &query, on_may, labels);
}

static void on_organisation(struct http_request *request, void *context, const Hb__Refusal *refused,
                            const Hb__QueryReply *reply)
{
    struct labels *labels = context;
    const Directory__Organisation *all = refused ? NULL : reply->directory->organisation;
    const Directory__Site *site = NULL;
    for (size_t i = 0; all && i < all->n_sites; i++)
        if (strcmp(all->sites[i]->id, labels->site) == 0)
            site = all->sites[i];
    if (refused) {
        problem_respond(request, refused);
    } else if (!site) {
        Hb__Refusal *refusal = problem_new(request, 404, "unknown_site", "没有该站点", "there is no such site");
        refusal->field = arena_strdup(&request->arena, "site");
        problem_respond(request, refusal);
    } else if (!site->public_) {
        problem_say(request, 409, "not_public", "该站点未向公众开放，二维码无处可去",
                    "this site is not open to the public: its codes would lead nowhere");
    } else {
        labels->site_name = site->name;
        ask_right(request, labels);
    }
}

static void on_site(struct http_request *request, void *context)
{
    struct labels *labels = context;
    char **sites = arena_alloc(&request->arena, sizeof *sites);
    Hb__Query query = HB__QUERY__INIT;
    Directory__Query directory = DIRECTORY__QUERY__INIT;
    Directory__GetOrganisation get = DIRECTORY__GET_ORGANISATION__INIT;
    sites[0] = (char *)(uintptr_t)labels->site;
    query.sites = sites;
    query.n_sites = 1;
    query.payload_case = HB__QUERY__PAYLOAD_DIRECTORY;
    query.directory = &directory;
    directory.kind_case = DIRECTORY__QUERY__KIND_ORGANISATION;
    directory.organisation = &get;
    cell_query(request, HB__SERVICE__DIRECTORY, &query, on_organisation, labels);
}

void labels_sheet(struct http_request *request)
{
    struct labels *labels = arena_zero(&request->arena, sizeof *labels);
    const char *site = http_query(request, "site"), *kind = http_query(request, "kind"),
               *format = http_query(request, "format");
    labels->site = site ? site : "";
    labels->kind = kind ? kind : "";
    labels->json = format && strcmp(format, "json") == 0;
    labels->english = request->english;
    if (format && !labels->json && strcmp(format, "html") != 0)
        refuse(request, "format", "可用：html、json", "accepted: html, json");
    else if (!*labels->site || strlen(labels->kind) > LABELS_PLACE_BYTES_MAX)
        refuse(request, *labels->site ? "kind" : "site", "请指明站点", "name the site");
    else if (places_read(request, labels))
        sites_know(request, labels->site, on_site, labels);
}
