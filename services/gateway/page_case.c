#include "portal_case.h"

#include "portal_files.h"

#include "policy/lookup.h"

static struct arena *arena_of(const struct page *page)
{
    return page->html.arena;
}

/* ---- where it stands ---- */

static enum text_id phase_text(uint32_t phase)
{
    switch ((Policy__Phase)phase) {
    case POLICY__PHASE__WORKING:
        return TEXT_CASE_WORKING;
    case POLICY__PHASE__WAITING:
        return TEXT_CASE_WAITING;
    case POLICY__PHASE__DONE:
        return TEXT_CASE_DONE;
    case POLICY__PHASE__CLOSED:
        return TEXT_CASE_CLOSED;
    case POLICY__PHASE__ARCHIVED:
        return TEXT_CASE_ARCHIVED;
    case POLICY__PHASE__NEW:
    case POLICY__PHASE__PHASE_NONE:
        break;
    }
    return TEXT_CASE_NEW;
}

static const char *phase_class(uint32_t phase)
{
    return phase == POLICY__PHASE__WAITING ? " waiting" : phase >= POLICY__PHASE__DONE ? " done" : "";
}

static void add_fact(struct page *page, const char *label, const char *value)
{
    if (*value)
        html_add(&page->html, "<dt>%s</dt><dd>%s</dd>", label, value);
}

/* Plain values: "Plan done by". */
static void add_facts(struct page *page, const struct case_shown *shown, Hb__Fact *const *facts, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const Policy__FieldDef *def = policy_field(shown->kind, facts[i]->name);
        if (def)
            add_fact(page, portal_label(page->language, def->label), case_value_words(shown, def, facts[i]->value));
    }
}

static void add_state(struct page *page, const struct case_shown *shown)
{
    const Casework__OwnCase *told = shown->told;
    const Policy__Stage *stage = policy_stage(shown->kind, told->stage);
    html_add(&page->html,
             "<section class=\"card\" aria-labelledby=\"state\"><h2 id=\"state\">%s</h2><p>"
             "<strong class=\"state%s\">%s</strong></p><p>%s</p><dl class=\"facts\">",
             page_text(page, TEXT_CASE_STATE), phase_class(told->phase),
             stage ? portal_label(page->language, stage->label) : told->stage,
             page_text(page, phase_text(told->phase)));
    add_fact(page, page_text(page, TEXT_CASE_LEAD), visit_department(shown->visit, told->lead));
    if (told->round > 1)
        add_fact(page, page_text(page, TEXT_CASE_ROUND), arena_printf(arena_of(page), "%u", told->round - 1));
    add_facts(page, shown, told->facts, told->n_facts);
    html_add(&page->html, "</dl></section>\n");
}

/* ---- what was said ---- */

static void add_said(struct page *page, const struct said *said, bool with_label)
{
    if (!said->gone && !said->text) /* withheld */
        return;
    if (with_label)
        html_add(&page->html, "<h3>%s</h3>", said->label);
    if (said->gone)
        html_add(&page->html, "<p class=\"soft\">%s</p>", page_text(page, TEXT_CASE_ERASED));
    else if (said->text)
        html_add(&page->html, "<p class=\"said\">%s</p>", said->text);
}

/* Not when all of it is withheld. */
static bool says(const struct moment *moment)
{
    bool any = false;
    for (size_t i = 0; i < moment->said_count; i++)
        any = any || moment->said[i].text;
    return any;
}

static void add_letter_link(struct page *page, const struct moment *moment)
{
    if (moment->letter)
        html_add(&page->html, "<p class=\"screen\"><a class=\"button second\" href=\"/case/letters/%s/%s\">%s</a></p>",
                 moment->letter->document, arena_printf(arena_of(page), "%u", moment->letter->issue),
                 arena_printf(arena_of(page), "%s %s", page_text(page, TEXT_LETTER_PRINT), moment->letter->number));
}

static void add_answer(struct page *page, const struct case_shown *shown)
{
    const struct moment *answer = shown->answer;
    if (shown->unreadable)
        html_add(&page->html, "<p class=\"notice warn\" role=\"status\">%s</p>\n",
                 page_text(page, TEXT_CASE_UNREADABLE));
    if (!answer || shown->unreadable || !says(answer))
        return;
    html_add(&page->html,
             "<section class=\"card answer\" id=\"answer\" aria-labelledby=\"answer-title\">"
             "<h2 id=\"answer-title\">%s</h2><p class=\"soft small\">%s</p>",
             page_text(page, answer->round < shown->told->round ? TEXT_CASE_ANSWER_EARLIER : TEXT_CASE_ANSWER),
             time_words(page->zone, answer->at_ms, page->now_ms, page->language, arena_of(page)));
    for (size_t i = 0; i < answer->said_count; i++)
        add_said(page, &answer->said[i], true);
    add_letter_link(page, answer);
    html_add(&page->html, "</section>\n");
}

static void add_own(struct page *page, const struct case_shown *shown)
{
    const Casework__OwnCase *told = shown->told;
    html_add(&page->html, "<section class=\"card\" aria-labelledby=\"own\"><h2 id=\"own\">%s</h2><dl class=\"facts\">",
             page_text(page, TEXT_CASE_YOURS));
    add_facts(page, shown, told->own_facts, told->n_own_facts);
    html_add(&page->html, "</dl>");
    for (size_t i = 0; i < shown->own_count; i++)
        add_said(page, &shown->own[i], i > 0);
    html_add(&page->html, "<p class=\"soft small\">%s</p></section>\n", page_text(page, TEXT_CASE_CODE_NOTE));
}

/* ---- files ---- */

static void list_files(struct page *page, const struct case_shown *shown, bool own)
{
    html_add(&page->html, "<ul class=\"list\">");
    for (size_t i = 0; i < shown->told->n_files; i++) {
        if (shown->told->files[i]->complainant != own)
            continue;
        const char *name =
            shown->files[i].text && *shown->files[i].text ? shown->files[i].text : page_text(page, TEXT_FILES_UNNAMED);
        html_add(&page->html, "<li><a href=\"/case/files/%s\">%s</a> <span class=\"soft small\">%s</span></li>",
                 shown->told->files[i]->file, name,
                 time_words(page->zone, shown->told->files[i]->at_ms, page->now_ms, page->language, arena_of(page)));
    }
    html_add(&page->html, "</ul>");
}

static size_t count_files(const struct case_shown *shown, bool own)
{
    size_t count = 0;
    for (size_t i = 0; i < shown->told->n_files; i++)
        count += shown->told->files[i]->complainant == own;
    return count;
}

static void add_files_given(struct page *page, const struct case_shown *shown)
{
    if (!count_files(shown, false))
        return;
    html_add(&page->html, "<section class=\"card\" aria-labelledby=\"given-title\"><h2 id=\"given-title\">%s</h2>",
             page_text(page, TEXT_FILES_GIVEN));
    list_files(page, shown, false);
    html_add(&page->html, "</section>\n");
}

static void add_files(struct page *page, struct case_shown *shown)
{
    struct visit *visit = shown->visit;
    add_files_given(page, shown);
    if (!count_files(shown, true) && !shown->told->may_attach)
        return;
    html_add(&page->html, "<section class=\"card\" aria-labelledby=\"files-title\"><h2 id=\"files-title\">%s</h2>",
             page_text(page, TEXT_FILES_YOURS));
    if (count_files(shown, true))
        list_files(page, shown, true);
    if (shown->told->may_attach) {
        html_add(&page->html,
                 "<form class=\"screen\" action=\"/case/files\" method=\"post\" enctype=\"multipart/form-data\" "
                 "accept-charset=\"utf-8\"><input type=\"hidden\" name=\"number\" value=\"%s\">"
                 "<input type=\"hidden\" name=\"token\" value=\"%s\">",
                 visit->session->number,
                 form_token_make(&visit->portal->keys, case_files_purpose(visit), page->now_ms, arena_of(page)));
        page_file_input(page);
        html_add(&page->html, "<div class=\"actions\"><button class=\"button second\">%s</button></div></form>",
                 page_text(page, TEXT_FILES_ADD));
    }
    html_add(&page->html, "</section>\n");
}

/* ---- dates ---- */

static enum text_id day_text(const char *what)
{
    static const struct {
        const char *what;
        enum text_id id;
    } words[] = {{"start", TEXT_DAY_START},
                 {"counted", TEXT_DAY_COUNTED},
                 {"skipped", TEXT_DAY_SKIPPED},
                 {"rolled", TEXT_DAY_ROLLED}};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strcmp(words[i].what, what) == 0)
            return words[i].id;
    return TEXT_DAY_DUE;
}

static void add_why(struct page *page, const Watchdog__ClockState *clock)
{
    html_add(&page->html, "<details><summary>%s</summary><div>", page_text(page, TEXT_CLOCK_WHY));
    page_clauses(page, clock->clauses, clock->n_clauses);
    html_add(&page->html, "<ul class=\"days\">");
    for (size_t i = 0; i < clock->n_days && i < 60; i++) {
        const Watchdog__DayNote *day = clock->days[i];
        const char *what = page_text(page, day_text(day->what)), *reason = portal_label(page->language, day->reason);
        bool says_more = *reason && strcmp(reason, what) != 0;
        html_add(&page->html, "<li>%s – %s%s%s</li>", date_words(day->date, page->language, arena_of(page)), what,
                 !says_more                      ? ""
                 : page->language == LANGUAGE_ZH ? "："
                                                 : ": ",
                 says_more ? reason : "");
    }
    html_add(&page->html, "</ul></div></details>");
}

static void add_clock_state(struct page *page, const Watchdog__ClockState *clock)
{
    bool met = clock->met_ms != 0, missed = strcmp(clock->state, "missed") == 0;
    if (met)
        html_add(&page->html, "<span class=\"state %s\">%s%s</span>", missed ? "late" : "done",
                 page_text(page, missed ? TEXT_CLOCK_MET_LATE : TEXT_CLOCK_MET),
                 time_words(page->zone, clock->met_ms, page->now_ms, page->language, arena_of(page)));
    else
        html_add(&page->html, "<span class=\"state%s\">%s</span>", missed ? " bad" : "",
                 page_text(page, missed                                ? TEXT_CLOCK_MISSED
                                 : strcmp(clock->state, "paused") == 0 ? TEXT_CLOCK_PAUSED
                                                                       : TEXT_CLOCK_RUNNING));
}

static void add_clock(struct page *page, const Watchdog__ClockState *clock)
{
    html_add(&page->html, "<li><span>%s</span> <b>%s%s</b>", portal_label(page->language, clock->label),
             page_text(page, TEXT_DATE_BY),
             deadline_words(page->zone, clock->due_ms, page->now_ms, page->language, arena_of(page)));
    add_clock_state(page, clock);
    if (clock->provisional)
        html_add(&page->html, " <span class=\"soft small\">%s</span>", page_text(page, TEXT_DATE_PROVISIONAL));
    add_why(page, clock);
    html_add(&page->html, "</li>\n");
}

static void add_dates(struct page *page, const struct case_shown *shown)
{
    const Watchdog__Clocks *clocks = shown->clocks;
    size_t count = 0;
    html_add(&page->html, "<section class=\"card\" aria-labelledby=\"dates\"><h2 id=\"dates\">%s</h2>",
             page_text(page, TEXT_DATES));
    html_add(&page->html, "<ul class=\"dates\">");
    for (size_t i = 0; clocks && i < clocks->n_clocks; i++) {
        add_clock(page, clocks->clocks[i]);
        count++;
    }
    html_add(&page->html, "</ul>");
    if (count == 0)
        html_add(&page->html, "<p>%s</p>", page_text(page, clocks ? TEXT_DATES_NONE : TEXT_DATES_UNKNOWN));
    html_add(&page->html, "</section>\n");
}

/* ---- what happened when ---- */

static void add_moment(struct page *page, const struct case_shown *shown, const struct moment *moment)
{
    html_add(&page->html, "<li><strong>%s</strong>", moment->what);
    if (moment->own)
        html_add(&page->html, "<span class=\"optional\">%s</span>", page_text(page, TEXT_CASE_YOU));
    html_add(&page->html, "<time>%s</time>",
             time_words(page->zone, moment->at_ms, page->now_ms, page->language, arena_of(page)));
    for (size_t i = 0; i < moment->said_count && moment != shown->answer && !shown->unreadable; i++) {
        if (!moment->said[i].text) /* withheld */
            continue;
        html_add(&page->html, "<div class=\"quote\"><span class=\"soft\">%s</span>", moment->said[i].label);
        add_said(page, &moment->said[i], false);
        html_add(&page->html, "</div>");
    }
    add_letter_link(page, moment);
    html_add(&page->html, "</li>\n");
}

static void add_happened(struct page *page, const struct case_shown *shown)
{
    html_add(&page->html,
             "<section class=\"card\" aria-labelledby=\"happened\"><h2 id=\"happened\">%s</h2>"
             "<ol class=\"happened\">\n",
             page_text(page, TEXT_CASE_HAPPENED));
    for (size_t i = shown->moments_count; i-- > 0;)
        add_moment(page, shown, &shown->moments[i]);
    html_add(&page->html, "</ol></section>\n");
}

/* ---- what can be done ---- */

static void add_step_field(struct page *page, struct case_shown *shown, const struct form *form, const char *name,
                           bool optional)
{
    size_t count;
    const Policy__FieldDef *def = policy_field(shown->kind, name);
    struct page_choice *departments = visit_departments(shown->visit, &count);
    if (def && form_asks(def))
        page_policy_field(page, form, def, optional, departments, count);
}

static void add_confirm(struct page *page, const struct form *form, const char *step)
{
    const char *name = arena_printf(arena_of(page), "%s.confirm", step), *error = form_error(form, name);
    html_add(&page->html, "<div class=\"field%s\">", error ? " wrong" : "");
    if (error)
        html_add(&page->html, "<span class=\"error\" id=\"%s-error\">%s</span>", name, error);
    html_add(&page->html, "<div class=\"option\"><input type=\"checkbox\" id=\"%s\" name=\"%s\" value=\"yes\"", name,
             name);
    if (error)
        html_add(&page->html, " aria-describedby=\"%s-error\" aria-invalid=\"true\"", name);
    html_add(&page->html, "><label for=\"%s\">%s</label></div></div>", name, page_text(page, TEXT_CASE_CONFIRM));
}

static struct form form_of(struct case_shown *shown, const char *step)
{
    bool sent = shown->form_step && strcmp(shown->form_step, step) == 0;
    struct form form = shown->form;
    form.prefix = step;
    if (!sent) {
        form.sent = false;
        form.errors_count = 0;
    }
    return form;
}

static void begin_step_form(struct page *page, struct case_shown *shown, const char *step)
{
    struct visit *visit = shown->visit;
    bool sent = shown->form_step && strcmp(shown->form_step, step) == 0;
    const char *token = sent && shown->token ? shown->token
                                             : form_token_make(&visit->portal->keys, case_form_purpose(shown, step),
                                                               page->now_ms, arena_of(page));
    const char *version = arena_printf(arena_of(page), "%llu", (unsigned long long)shown->told->version);
    if (sent && shown->token) /* a repetition must be the same command to the letter */
        version = http_form(visit->request, "version");
    html_add(
        &page->html,
        "<form action=\"/case\" method=\"post\" accept-charset=\"utf-8\" novalidate>"
        "<input type=\"hidden\" name=\"step\" value=\"%s\"><input type=\"hidden\" name=\"number\" value=\"%s\">"
        "<input type=\"hidden\" name=\"token\" value=\"%s\"><input type=\"hidden\" name=\"version\" value=\"%s\">\n",
        step, visit->session->number, token, version);
}

static void add_step_form(struct page *page, struct case_shown *shown, const Casework__Allowed *allowed)
{
    struct form form = form_of(shown, allowed->step);
    bool grave = case_step_grave(shown, allowed->step);
    begin_step_form(page, shown, allowed->step);
    for (size_t i = 0; i < allowed->n_needs; i++)
        add_step_field(page, shown, &form, allowed->needs[i], false);
    for (size_t i = 0; i < allowed->n_offers; i++)
        add_step_field(page, shown, &form, allowed->offers[i], true);
    if (grave)
        add_confirm(page, &form, allowed->step);
    html_add(&page->html, "<div class=\"actions\"><button class=\"button%s\">%s</button></div>", grave ? " grave" : "",
             grave ? portal_label(page->language, allowed->label) : page_text(page, TEXT_SEND));
    page_clauses(page, allowed->clauses, allowed->n_clauses);
    html_add(&page->html, "</form>\n");
}

static void add_blocked(struct page *page, const Casework__Allowed *allowed)
{
    for (size_t i = 0; i < allowed->n_blocked; i++)
        html_add(&page->html, "<p class=\"notice warn\">%s%s</p>", page_text(page, TEXT_CASE_BLOCKED),
                 portal_label(page->language, allowed->blocked[i]->text));
}

static void add_step(struct page *page, struct case_shown *shown, const Casework__Allowed *allowed, bool first)
{
    bool sent = shown->form_step && strcmp(shown->form_step, allowed->step) == 0;
    const char *label = portal_label(page->language, allowed->label);
    if (first)
        html_add(&page->html, "<div class=\"card\"><h3>%s</h3>", label);
    else
        html_add(&page->html, "<details class=\"more\"%s><summary>%s</summary><div>", sent ? " open" : "", label);
    if (allowed->n_blocked)
        add_blocked(page, allowed);
    else
        add_step_form(page, shown, allowed);
    html_add(&page->html, first ? "</div>\n" : "</div></details>\n");
}

/* When it is the complainant's turn, the first step stands open; else all are folded away. */
static void add_steps(struct page *page, struct case_shown *shown)
{
    const Casework__OwnCase *told = shown->told;
    bool turn = told->phase == POLICY__PHASE__WAITING || told->phase == POLICY__PHASE__DONE;
    if (told->n_allowed == 0)
        return;
    html_add(&page->html, "<section class=\"screen\" aria-labelledby=\"do\"><h2 id=\"do\">%s</h2>\n",
             page_text(page, TEXT_CASE_DO));
    for (size_t i = 0; i < told->n_allowed; i++)
        add_step(page, shown, told->allowed[i], turn && i == 0);
    html_add(&page->html, "</section>\n");
}

/* ---- the page ---- */

static void add_notice(struct page *page, const struct case_shown *shown)
{
    const char *step = shown->visit->session->notice;
    const Policy__Step *taken = *step ? policy_step(shown->kind, step) : NULL;
    if (taken)
        html_add(&page->html, "<p class=\"notice good\" role=\"status\">%s%s</p>\n",
                 page_text(page, TEXT_CASE_DONE_NOW), portal_label(page->language, taken->label));
}

static void add_leave(struct page *page)
{
    html_add(&page->html,
             "<div class=\"actions screen\"><a class=\"button second\" href=\"/case\">%s</a>"
             "<form action=\"/leave\" method=\"post\"><button class=\"button second\">%s</button></form></div>\n",
             page_text(page, TEXT_CASE_RELOAD), page_text(page, TEXT_LEAVE));
}

void page_case(struct page *page, struct case_shown *shown)
{
    const char *kind = portal_label(page->language, shown->kind->label);
    const char *title = arena_printf(arena_of(page), "%s %s", kind, shown->told->number);
    page_begin(page, title, shown->form.errors_count > 0);
    html_add(&page->html, "<h1>%s <span class=\"code\">%s</span></h1>\n", kind, shown->told->number);
    page_errors(page, &shown->form);
    add_notice(page, shown);
    page_files_refused(page, shown->visit->session, false);
    add_state(page, shown);
    add_answer(page, shown);
    add_steps(page, shown);
    add_dates(page, shown);
    add_happened(page, shown);
    add_own(page, shown);
    add_files(page, shown);
    add_leave(page);
    page_end(page);
}
