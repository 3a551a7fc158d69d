/* Notices (通知, 公示) of a site: cases that everybody may read of, from the stage on that the policy names until they
   are withdrawn, replaced or over. Those whose time is over leave the table when the next one enters it. Shown is what
   the policy lists, which is plain and about nobody, and nothing else of the case. Table notice: site NUL, 2^64 - 1 -
   since BE64 (the newest first), case id BE64 -> kind NUL. */
#include "analytics.h"

#include "organisation/conditions.h"

#include <inttypes.h>
#include <stdlib.h>

#define NOTICES_LIST_DEFAULT 10u
#define NOTICES_LIST_MAX 50u
#define NOTICES_LOOKS_MAX 200u   /* at rows, shown or over: the cursor goes on from there */
#define NOTICES_BYTES_MAX 20000u /* of a page: with its markup and style it stays under 60 KB */
#define PLACE_BYTES 16u

static const Policy__Kind *kind_of(struct turn *turn, const Anarec__Case *one)
{
    const Policy__Policy *policy = organisation_policy(turn, one->row->site, one->policy_version);
    const Policy__Kind *kind = policy ? policy_kind(policy, one->row->kind) : NULL;
    return kind && kind->public_notice ? kind : NULL;
}

static struct key row_key(const Anarec__Case *one)
{
    struct key key = key_text(one->row->site);
    key_add_u64(&key, UINT64_MAX - (uint64_t)one->notice_since_ms);
    key_add_u64(&key, one->row->case_id);
    return key;
}

static bool is_shown(const Policy__Kind *kind, const Anarec__Case *one)
{
    for (size_t i = 0; kind && !one->confidential && i < kind->public_notice->n_stages; i++)
        if (strcmp(kind->public_notice->stages[i], one->row->stage) == 0)
            return true;
    return false;
}

static int64_t until_of(const Policy__PublicNotice *notice, const Anarec__Case *one)
{
    const struct facts facts = {one->facts, one->n_facts};
    const Hb__Value *value = *notice->until_field ? facts_get(&facts, notice->until_field) : NULL;
    if (*notice->until_clock)
        return one->notice_until_ms;
    return value && value->kind_case == HB__VALUE__KIND_TIME_MS ? value->time_ms : 0;
}

static bool is_over(const Policy__Kind *kind, const Anarec__Case *one, int64_t now_ms)
{
    int64_t until_ms = kind ? until_of(kind->public_notice, one) : 0;
    return until_ms && until_ms <= now_ms;
}

/* Takes out those of the kind that this one replaces: looked for among all of the site, which are those that are shown
   and those that were over since the last one entered. False: a newer one is there already. */
static bool replaces(struct turn *turn, const Anarec__Case *one)
{
    struct key prefix = key_text(one->row->site), place = row_key(one), old[NOTICES_LIST_MAX];
    struct bytes key, value;
    size_t count = 0;
    struct state_scan *scan = state_scan_open(turn, ANALYTICS_NOTICE, key_bytes(&prefix), (struct bytes){0});
    while (count < NOTICES_LIST_MAX && state_scan_next(scan, &key, &value)) {
        if (strcmp((const char *)value.data, one->row->kind) != 0)
            continue;
        if (memcmp(key.data, place.data, place.size) < 0)
            return false;
        old[count] = (struct key){.size = 0};
        key_add(&old[count++], key.data, key.size);
    }
    for (size_t i = 0; i < count; i++)
        state_delete(turn, ANALYTICS_NOTICE, key_bytes(&old[i]));
    return true;
}

static void enter(struct turn *turn, const Policy__Kind *kind, Anarec__Case *one)
{
    struct key key = row_key(one);
    one->notice_over = false;
    if (!kind->public_notice->latest || replaces(turn, one))
        state_put(turn, ANALYTICS_NOTICE, key_bytes(&key), bytes_of(one->row->kind, strlen(one->row->kind) + 1));
}

static void leave(struct turn *turn, Anarec__Case *one)
{
    struct key key = row_key(one);
    if (state_has(turn, ANALYTICS_NOTICE, key_bytes(&key))) /* unless another one replaced it */
        state_delete(turn, ANALYTICS_NOTICE, key_bytes(&key));
    one->notice_since_ms = 0;
    one->notice_over = false;
}

/* Heard before or after the step that begins the clock. */
static bool hear_until(const Policy__PublicNotice *notice, Anarec__Case *one, const Hb__Event *event)
{
    const Watchdog__Event *said = event->payload_case == HB__EVENT__PAYLOAD_WATCHDOG ? event->watchdog : NULL;
    bool armed = said && said->kind_case == WATCHDOG__EVENT__KIND_ARMED &&
                 strcmp(said->armed->instance->clock, notice->until_clock) == 0;
    if (armed)
        one->notice_until_ms = said->armed->due_ms;
    return armed;
}

bool analytics_notices_fold(struct turn *turn, Anarec__Case *one, const Hb__Event *event)
{
    const Policy__Kind *kind = kind_of(turn, one);
    bool heard = kind && hear_until(kind->public_notice, one, event);
    bool was = one->notice_since_ms != 0, is = is_shown(kind, one);
    bool again = is && was && one->notice_over && !is_over(kind, one, event->recorded_ms); /* it was made longer */
    if (is && !was)
        one->notice_since_ms = event->occurred_ms;
    if (again || (is && !was))
        enter(turn, kind, one);
    else if (was && !is)
        leave(turn, one);
    return heard || again || is != was;
}

/* ---- what is over ---- */

/* One has entered: those of the site whose time is over are said, at most so many at once. */
void analytics_notices_react(struct turn *turn, const Hb__Event *event)
{
    bool case_moves =
        event->payload_case == HB__EVENT__PAYLOAD_INTAKE || event->payload_case == HB__EVENT__PAYLOAD_CASEWORK;
    const Anarec__Case *one =
        case_moves && event->case_id && event->cell == turn_cell(turn) ? analytics_load(turn, event->case_id) : NULL;
    if (!one || !one->notice_since_ms || one->notice_since_ms != event->occurred_ms)
        return;
    Analytics__NoticesOver *said = TURN_NEW(turn, Analytics__NoticesOver, analytics__notices_over__init);
    struct key prefix = key_text(one->row->site);
    struct bytes key, value;
    struct state_scan *scan = state_scan_open(turn, ANALYTICS_NOTICE, key_bytes(&prefix), (struct bytes){0});
    while (said->n_cases < NOTICES_LOOKS_MAX && state_scan_next(scan, &key, &value)) {
        const Anarec__Case *other = analytics_load(turn, bytes_get_u64(key.data + prefix.size + 8));
        if (other && is_over(kind_of(turn, other), other, turn_now(turn)))
            TURN_ADD(turn, said->cases, said->n_cases, other->row->case_id);
    }
    if (!said->n_cases)
        return;
    Hb__Event *over = turn_event(turn, one->row->site, 0); /* of the site: no case's file tells of it */
    over->payload_case = HB__EVENT__PAYLOAD_ANALYTICS;
    over->analytics = TURN_NEW(turn, Analytics__Event, analytics__event__init);
    over->analytics->kind_case = ANALYTICS__EVENT__KIND_NOTICES_OVER;
    over->analytics->notices_over = said;
    turn_say(turn, over);
}

void analytics_notices_said(struct turn *turn, const Hb__Event *event)
{
    bool over = event->payload_case == HB__EVENT__PAYLOAD_ANALYTICS &&
                event->analytics->kind_case == ANALYTICS__EVENT__KIND_NOTICES_OVER;
    const Analytics__NoticesOver *said = over ? event->analytics->notices_over : NULL;
    for (size_t i = 0; said && i < said->n_cases; i++) {
        Anarec__Case *one = analytics_load(turn, said->cases[i]);
        struct key key = one ? row_key(one) : (struct key){.size = 0}, place = key_u64(said->cases[i]);
        if (!one || !state_has(turn, ANALYTICS_NOTICE, key_bytes(&key)))
            continue;
        state_delete(turn, ANALYTICS_NOTICE, key_bytes(&key));
        one->notice_over = true;
        state_save(turn, ANALYTICS_CASE, key_bytes(&place), &one->base);
    }
}

/* ---- telling them ---- */

static void add_field(struct turn *turn, const Policy__FieldDef *def, Hb__Value *value, Analytics__PublicNotice *told)
{
    if (!def || !value || value->kind_case == HB__VALUE__KIND_PRESENT)
        return;
    Analytics__NoticeField *field = TURN_NEW(turn, Analytics__NoticeField, analytics__notice_field__init);
    field->name = def->name;
    field->label = def->label;
    field->value = value;
    for (size_t i = 0; value->kind_case == HB__VALUE__KIND_TEXT && i < def->n_one_of; i++)
        if (strcmp(def->one_of[i]->name, value->text) == 0)
            field->choice = def->one_of[i]->label;
    TURN_ADD(turn, told->fields, told->n_fields, field);
}

/* NULL: it is over, or its condition does not hold. */
static Analytics__PublicNotice *tell(struct turn *turn, const Anarec__Case *one)
{
    const Policy__Kind *kind = kind_of(turn, one);
    if (!is_shown(kind, one))
        return NULL;
    const Policy__PublicNotice *notice = kind->public_notice;
    struct facts facts = {one->facts, one->n_facts};
    const struct case_view view = {.turn = turn,
                                   .site = one->row->site,
                                   .policy = organisation_policy(turn, one->row->site, one->policy_version),
                                   .facts = &facts,
                                   .now_ms = turn_now(turn)};
    if (is_over(kind, one, turn_now(turn)) || case_holds(&view, notice->condition, NULL) != TRUTH_YES)
        return NULL;
    Analytics__PublicNotice *told = TURN_NEW(turn, Analytics__PublicNotice, analytics__public_notice__init);
    told->number = one->row->number;
    told->kind = one->row->kind;
    told->label = kind->label;
    told->title = one->row->subject;
    told->since_ms = one->notice_since_ms;
    told->until_ms = until_of(notice, one);
    for (size_t i = 0; i < notice->n_fields; i++)
        add_field(turn, policy_field(kind, notice->fields[i]),
                  (Hb__Value *)(uintptr_t)facts_get(&facts, notice->fields[i]), told);
    return told;
}

/* The cursor is the place after which it goes on, in hexadecimal digits. */
static bool begin_at(struct turn *turn, const char *cursor, struct key *from)
{
    char digits[PLACE_BYTES + 1] = "";
    if (!*cursor)
        return true;
    if (strlen(cursor) == 2 * PLACE_BYTES && strspn(cursor, "0123456789abcdef") == 2 * PLACE_BYTES) {
        memcpy(digits, cursor, PLACE_BYTES);
        key_add_u64(from, strtoull(digits, NULL, 16));
        key_add_u64(from, strtoull(cursor + PLACE_BYTES, NULL, 16));
        key_add(from, "", 1); /* the next one */
        return true;
    }
    refusal_field(turn, turn_refuse(turn, 422, "bad_field", "翻页游标无效", "this cursor was not given by a list"),
                  "cursor");
    return false;
}

void analytics_answer_notices(struct turn *turn, const Hb__Query *query, Analytics__Reply *reply)
{
    const Analytics__ListNotices *wanted = query->analytics->notices;
    const Directory__Site *site = *query->site ? organisation_site(turn, query->site) : NULL;
    uint32_t limit = wanted->limit ? wanted->limit : NOTICES_LIST_DEFAULT;
    limit = limit < NOTICES_LIST_MAX ? limit : NOTICES_LIST_MAX;
    struct bytes key, value;
    size_t bytes = 0;
    if (!site || !site->public_) {
        turn_refuse(turn, 404, "unknown_site", "没有这个站点", "there is no such site");
        return;
    }
    struct key prefix = key_text(site->id), from = prefix;
    if (!begin_at(turn, wanted->cursor, &from))
        return;
    reply->kind_case = ANALYTICS__REPLY__KIND_NOTICES;
    Analytics__PublicNotices *list = reply->notices =
        TURN_NEW(turn, Analytics__PublicNotices, analytics__public_notices__init);
    struct state_scan *scan = state_scan_open(turn, ANALYTICS_NOTICE, key_bytes(&prefix), key_bytes(&from));
    const uint8_t *last = NULL;
    for (size_t looks = 0; state_scan_next(scan, &key, &value); looks++) {
        if (list->n_notices == limit || bytes > NOTICES_BYTES_MAX || looks == NOTICES_LOOKS_MAX) {
            list->cursor = arena_printf(turn_arena(turn), "%016" PRIx64 "%016" PRIx64, bytes_get_u64(last),
                                        bytes_get_u64(last + 8));
            return;
        }
        const Anarec__Case *one = analytics_load(turn, bytes_get_u64(key.data + prefix.size + 8));
        Analytics__PublicNotice *told = one ? tell(turn, one) : NULL;
        last = memcpy(arena_alloc(turn_arena(turn), PLACE_BYTES), key.data + prefix.size, PLACE_BYTES);
        if (!told)
            continue;
        bytes += protobuf_c_message_get_packed_size(&told->base);
        TURN_ADD(turn, list->notices, list->n_notices, told);
    }
}
