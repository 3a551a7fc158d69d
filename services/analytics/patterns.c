/* Patterns: like cases of a site within a time. A case is among those of a pattern while the pattern's condition holds
   and the facts that must be equal are known; the rows are in order of receipt. When there are enough, what the
   pattern says is asked for, once; while the case that was opened for them is open, each further one is linked with it.
   Tables. like: site NUL pattern NUL key of 16 bytes, received BE64, case id BE64 -> "". cluster: site NUL pattern NUL
   key -> Cluster. */
#include "analytics.h"

#include "calendar/calendar.h"
#include "message/message.h"
#include "organisation/conditions.h"

#include <sodium.h>

#define KEY_BYTES 16u

static bool is_of(const Policy__Pattern *pattern, const char *kind)
{
    for (size_t i = 0; i < pattern->n_of; i++)
        if (strcmp(pattern->of[i], kind) == 0)
            return true;
    return false;
}

static bool looked_at(const Policy__Policy *policy, const char *kind)
{
    for (size_t i = 0; policy && i < policy->n_patterns; i++)
        if (is_of(policy->patterns[i], kind))
            return true;
    return false;
}

/* What the like cases share, as a hash. False: a fact is not known, or the condition does not hold. */
static bool key_of(struct turn *turn, const Anarec__Case *one, const Policy__Policy *policy,
                   const Policy__Pattern *pattern, uint8_t key_out[KEY_BYTES])
{
    struct facts facts = {one->facts, one->n_facts};
    struct case_view view = {
        .turn = turn, .site = one->row->site, .policy = policy, .facts = &facts, .now_ms = turn_now(turn)};
    crypto_generichash_state state;
    if (!is_of(pattern, one->row->kind) || case_holds(&view, pattern->condition, NULL) != TRUTH_YES)
        return false;
    crypto_generichash_init(&state, NULL, 0, KEY_BYTES);
    for (size_t i = 0; i < pattern->n_same; i++) {
        const Hb__Value *value = facts_get(&facts, pattern->same[i]);
        if (!value || value->kind_case == HB__VALUE__KIND_PRESENT)
            return false;
        struct bytes packed = message_pack(&value->base, turn_arena(turn));
        crypto_generichash_update(&state, packed.data, packed.size);
        crypto_generichash_update(&state, (const uint8_t *)"", 1);
    }
    crypto_generichash_final(&state, key_out, KEY_BYTES);
    return true;
}

static struct key pattern_key(const char *site, const char *pattern, const uint8_t *key)
{
    struct key made = key_text(site);
    key_add_text(&made, pattern);
    key_add(&made, key, KEY_BYTES);
    return made;
}

static struct key like_key(const Anarec__Case *one, const Anarec__Like *like)
{
    struct key key = pattern_key(one->row->site, like->pattern, like->key.data);
    key_add_u64(&key, (uint64_t)one->row->received_ms);
    key_add_u64(&key, one->row->case_id);
    return key;
}

static Anarec__Cluster *cluster_load(struct turn *turn, const char *site, const Anarec__Like *like)
{
    struct key key = pattern_key(site, like->pattern, like->key.data);
    Anarec__Cluster *cluster = state_load(turn, ANALYTICS_CLUSTER, key_bytes(&key), &anarec__cluster__descriptor);
    return cluster ? cluster : TURN_NEW(turn, Anarec__Cluster, anarec__cluster__init);
}

static void cluster_save(struct turn *turn, const char *site, const Anarec__Like *like, const Anarec__Cluster *cluster)
{
    struct key key = pattern_key(site, like->pattern, like->key.data);
    state_save(turn, ANALYTICS_CLUSTER, key_bytes(&key), &cluster->base);
}

static const Anarec__Like *like_of(const Anarec__Case *one, const char *pattern)
{
    for (size_t i = 0; one && i < one->n_likes; i++)
        if (strcmp(one->likes[i]->pattern, pattern) == 0)
            return one->likes[i];
    return NULL;
}

/* ---- evolve ---- */

static void unlike(struct turn *turn, Anarec__Case *one)
{
    for (size_t i = 0; i < one->n_likes; i++) {
        struct key key = like_key(one, one->likes[i]);
        state_delete(turn, ANALYTICS_LIKE, key_bytes(&key));
    }
    one->likes = NULL;
    one->n_likes = 0;
}

static void look_for_likes(struct turn *turn, Anarec__Case *one, const Policy__Policy *policy)
{
    const Anarec__Case before = *one;
    unlike(turn, one);
    one->likes = arena_alloc(turn_arena(turn), (policy->n_patterns + 1) * sizeof *one->likes);
    for (size_t i = 0; i < policy->n_patterns; i++) {
        uint8_t *key = arena_alloc(turn_arena(turn), KEY_BYTES);
        if (!key_of(turn, one, policy, policy->patterns[i], key))
            continue;
        Anarec__Like *like = TURN_NEW(turn, Anarec__Like, anarec__like__init);
        like->pattern = policy->patterns[i]->name;
        like->key = (ProtobufCBinaryData){KEY_BYTES, key};
        const Anarec__Like *was = like_of(&before, like->pattern);
        like->fresh = !was || memcmp(was->key.data, key, KEY_BYTES) != 0;
        one->likes[one->n_likes++] = like;
        struct key row = like_key(one, like);
        state_put(turn, ANALYTICS_LIKE, key_bytes(&row), (struct bytes){0});
    }
}

void analytics_patterns_fold(struct turn *turn, Anarec__Case *one, const Hb__Event *event)
{
    const Policy__Policy *policy = organisation_policy(turn, one->row->site, 0);
    if (!event->n_facts || !looked_at(policy, one->row->kind))
        return;
    facts_list_fold(turn_arena(turn), &one->facts, &one->n_facts, event);
    look_for_likes(turn, one, policy);
}

/* The case that was opened for like cases: found by the first it is linked with. */
static const Anarec__Like *cluster_of(struct turn *turn, const Hb__Event *event)
{
    const Intake__CaseRegistered *registered = event->intake->registered;
    bool asked = registered->requested_by && registered->requested_by->log &&
                 registered->requested_by->log->service == HB__SERVICE__ANALYTICS && registered->n_links;
    const Anarec__Case *first = asked ? analytics_load(turn, registered->links[0]->case_id) : NULL;
    for (size_t i = 0; first && i < first->n_likes; i++)
        if (strcmp(first->likes[i]->pattern, registered->rule) == 0)
            return first->likes[i];
    return NULL;
}

void analytics_patterns_registered(struct turn *turn, Anarec__Case *one, const Hb__Event *event)
{
    const Anarec__Like *like = cluster_of(turn, event);
    if (!like)
        return;
    Anarec__Cluster *cluster = cluster_load(turn, one->row->site, like);
    cluster->case_id = event->case_id;
    cluster_save(turn, one->row->site, like, cluster);
    one->opened_for = TURN_NEW(turn, Anarec__Like, anarec__like__init);
    *one->opened_for = *like;
}

/* Once it is closed, like cases received from then on may make another. */
void analytics_patterns_closed(struct turn *turn, const Anarec__Case *one, int64_t at_ms)
{
    if (!one->opened_for)
        return;
    Anarec__Cluster *cluster = cluster_load(turn, one->row->site, one->opened_for);
    if (cluster->case_id != one->row->case_id)
        return;
    cluster->case_id = 0;
    cluster->requested = false;
    cluster->after_ms = at_ms;
    cluster_save(turn, one->row->site, one->opened_for, cluster);
}

void analytics_patterns_said(struct turn *turn, const Hb__Event *event)
{
    const Analytics__Event *said = event->analytics;
    const Anarec__Case *one = analytics_load(turn, event->case_id);
    bool opens = said->kind_case == ANALYTICS__EVENT__KIND_CASE_REQUESTED;
    const Anarec__Like *like = opens ? like_of(one, said->case_requested->pattern) : NULL;
    if (!like)
        return;
    Anarec__Cluster *cluster = cluster_load(turn, one->row->site, like);
    cluster->requested = cluster->requested || opens;
    cluster_save(turn, one->row->site, like, cluster);
}

/* ---- react ---- */

static Hb__Event *event_new(struct turn *turn, const Anarec__Case *one, const Policy__Pattern *pattern,
                            Analytics__Event__KindCase kind, void *payload)
{
    Hb__Event *event = turn_event(turn, one->row->site, one->row->case_id);
    event->payload_case = HB__EVENT__PAYLOAD_ANALYTICS;
    event->analytics = TURN_NEW(turn, Analytics__Event, analytics__event__init);
    event->analytics->kind_case = kind;
    event->analytics->case_requested = payload; /* all arms share one pointer */
    event_clauses(turn, event, pattern->clauses, pattern->n_clauses);
    return event;
}

/* When the pattern's time before an instant began, or the last cluster ended. */
static int64_t window_start(struct turn *turn, const char *site, const Policy__Pattern *pattern, int64_t at_ms,
                            int64_t after_ms)
{
    struct case_view view = {.turn = turn, .site = site};
    Policy__Term before = *pattern->within;
    int64_t since;
    before.before = true;
    before.field = (char *)protobuf_c_empty_string;
    if (!case_instant_from(&view, &before, NULL, at_ms, &since))
        since = at_ms;
    return since > after_ms ? since : after_ms;
}

struct received {
    int64_t at_ms;
    uint64_t case_id;
};

/* All that share a window with this case, in the order they were received: of later ones as long as the time before
   them still holds it. */
static struct received *around(struct turn *turn, const Anarec__Case *one, const Policy__Pattern *pattern,
                               const Anarec__Like *like, int64_t after_ms, size_t *count_out)
{
    const char *site = one->row->site;
    int64_t this_ms = one->row->received_ms;
    struct key prefix = pattern_key(site, like->pattern, like->key.data), from = prefix;
    key_add_u64(&from, (uint64_t)window_start(turn, site, pattern, this_ms, after_ms));
    struct state_scan *scan = state_scan_open(turn, ANALYTICS_LIKE, key_bytes(&prefix), key_bytes(&from));
    struct bytes key, value;
    struct received *list = NULL;
    size_t count = 0;
    while (count < ANALYTICS_LIKES_MAX && state_scan_next(scan, &key, &value)) {
        struct received row = {(int64_t)bytes_get_u64(key.data + prefix.size),
                               bytes_get_u64(key.data + prefix.size + 8)};
        if (row.at_ms > this_ms && window_start(turn, site, pattern, row.at_ms, after_ms) > this_ms)
            break;
        list = arena_grow(turn_arena(turn), list, count, sizeof *list);
        list[count++] = row;
    }
    *count_out = count;
    return list;
}

/* Those of the fullest window of the pattern's time that holds this case. It ends with one that was received: this one,
   or one that came after it when this one turned out to be like it only now. */
static size_t alike(struct turn *turn, const Anarec__Case *one, const Policy__Pattern *pattern,
                    const Anarec__Like *like, int64_t after_ms, uint64_t **cases_out)
{
    size_t count, from = 0, best_from = 0, best = 0;
    const struct received *list = around(turn, one, pattern, like, after_ms, &count);
    for (size_t to = 0; to < count; to++) {
        if (list[to].at_ms < one->row->received_ms && to + 1 < ANALYTICS_LIKES_MAX)
            continue;
        int64_t since = window_start(turn, one->row->site, pattern, list[to].at_ms, after_ms);
        while (list[from].at_ms < since)
            from++;
        if (to + 1 - from > best) {
            best = to + 1 - from;
            best_from = from;
        }
    }
    *cases_out = arena_alloc(turn_arena(turn), (best + 1) * sizeof **cases_out);
    for (size_t i = 0; i < best; i++)
        (*cases_out)[i] = list[best_from + i].case_id;
    return best;
}

static void add_fact(struct turn *turn, Analytics__CaseRequested *request, const char *name, const Hb__Value *value)
{
    Hb__Fact *fact = TURN_NEW(turn, Hb__Fact, hb__fact__init);
    fact->name = (char *)(uintptr_t)name;
    fact->value = (Hb__Value *)(uintptr_t)value;
    request->with = arena_grow(turn_arena(turn), request->with, request->n_with, sizeof fact);
    request->with[request->n_with++] = fact;
}

/* What the cases share is what the new one is about, as far as its kind has it. */
static void fill_with(struct turn *turn, const Anarec__Case *one, const Policy__Pattern *pattern,
                      const Policy__Action *action, Analytics__CaseRequested *request)
{
    const Policy__Policy *policy = organisation_policy(turn, one->row->site, 0);
    const Policy__Kind *kind = policy_kind(policy, action->name);
    struct facts facts = {one->facts, one->n_facts};
    for (size_t i = 0; i < action->n_with; i++)
        add_fact(turn, request, action->with[i]->name, action->with[i]->value);
    for (size_t i = 0; i < pattern->n_same; i++) {
        const char *name = pattern->same[i];
        bool common = strcmp(name, "category") == 0 || strcmp(name, "place") == 0;
        if (common || (kind && policy_field(kind, name)))
            add_fact(turn, request, name, facts_get(&facts, name));
    }
}

static void say_open(struct turn *turn, const Anarec__Case *one, const Policy__Pattern *pattern,
                     const Policy__Action *action, const uint64_t *cases, size_t count)
{
    Analytics__CaseRequested *request = TURN_NEW(turn, Analytics__CaseRequested, analytics__case_requested__init);
    const struct facts facts = {one->facts, one->n_facts};
    const char *person = "";
    request->pattern = pattern->name;
    request->kind = action->name;
    request->link = *action->link ? action->link : pattern->name;
    const char *department = action->to ? who_department(turn, one->row->site, action->to, &facts, &person) : "";
    request->to = (char *)(uintptr_t)(*person ? person : department);
    if (action->due) {
        struct case_view view = {.turn = turn, .site = one->row->site, .facts = &facts, .now_ms = turn_now(turn)};
        (void)!case_instant(&view, action->due, &request->due_ms);
    }
    fill_with(turn, one, pattern, action, request);
    request->cases = (uint64_t *)(uintptr_t)cases;
    request->n_cases = count;
    turn_say(turn, event_new(turn, one, pattern, ANALYTICS__EVENT__KIND_CASE_REQUESTED, request));
}

static void say_step(struct turn *turn, const Anarec__Case *one, const Policy__Pattern *pattern,
                     const Policy__Action *action)
{
    Analytics__StepRequested *request = TURN_NEW(turn, Analytics__StepRequested, analytics__step_requested__init);
    request->pattern = pattern->name;
    request->step = action->name;
    if (action->set) {
        request->set = arena_alloc(turn_arena(turn), sizeof *request->set);
        request->set[request->n_set++] = action->set;
    }
    turn_say(turn, event_new(turn, one, pattern, ANALYTICS__EVENT__KIND_STEP_REQUESTED, request));
}

static void say_link(struct turn *turn, const Anarec__Case *one, const Policy__Pattern *pattern,
                     const Policy__Action *action, uint64_t to)
{
    Analytics__LinkRequested *request = TURN_NEW(turn, Analytics__LinkRequested, analytics__link_requested__init);
    request->pattern = pattern->name;
    request->link = *action->link ? action->link : pattern->name;
    request->to = to;
    turn_say(turn, event_new(turn, one, pattern, ANALYTICS__EVENT__KIND_LINK_REQUESTED, request));
}

/* With those received last, as many as one case is told of. */
static void say_links(struct turn *turn, const Anarec__Case *one, const Policy__Pattern *pattern,
                      const Policy__Action *action, const uint64_t *cases, size_t count)
{
    for (size_t i = count > ANALYTICS_LINKS_MAX ? count - ANALYTICS_LINKS_MAX : 0; i < count; i++)
        if (cases[i] != one->row->case_id)
            say_link(turn, one, pattern, action, cases[i]);
}

/* Of those that are alike, where the pattern says what comes before what, those of the earlier kind. */
static size_t only_before(struct turn *turn, const Anarec__Case *one, const Policy__Pattern *pattern, uint64_t *cases,
                          size_t count)
{
    size_t kept = 0;
    if (!*pattern->after)
        return count;
    for (size_t i = 0; i < count && strcmp(one->row->kind, pattern->after) != 0; i++) {
        const Anarec__Case *other = analytics_load(turn, cases[i]);
        if (other && strcmp(other->row->kind, pattern->after) == 0 && other->row->received_ms <= one->row->received_ms)
            cases[kept++] = cases[i];
    }
    return kept;
}

static void look_at(struct turn *turn, const Anarec__Case *one, const Policy__Pattern *pattern,
                    const Anarec__Like *like)
{
    const Anarec__Cluster *cluster = cluster_load(turn, one->row->site, like);
    uint64_t *cases;
    size_t count = alike(turn, one, pattern, like, cluster->after_ms, &cases);
    count = only_before(turn, one, pattern, cases, count);
    bool enough = count >= pattern->count;
    for (size_t i = 0; i < pattern->n_then; i++) {
        const Policy__Action *action = pattern->then[i];
        bool open = action->type == POLICY__ACTION__TYPE__OPEN;
        if (open && enough && !cluster->requested)
            say_open(turn, one, pattern, action, cases, count);
        else if (open && cluster->case_id && like->fresh)
            say_link(turn, one, pattern, action, cluster->case_id);
        else if (action->type == POLICY__ACTION__TYPE__LINK && enough && like->fresh)
            say_links(turn, one, pattern, action, cases, count);
        else if (!open && action->type != POLICY__ACTION__TYPE__LINK && enough && like->fresh)
            say_step(turn, one, pattern, action);
    }
}

static bool is_about(const struct turn *turn, const Hb__Event *event)
{
    bool facts = event->payload_case == HB__EVENT__PAYLOAD_INTAKE || event->payload_case == HB__EVENT__PAYLOAD_CASEWORK;
    return event->case_id && event->n_facts && facts && !event->history && event->cell == turn_cell(turn);
}

void analytics_patterns_react(struct turn *turn, const Hb__Event *event)
{
    const Anarec__Case *one = is_about(turn, event) ? analytics_load(turn, event->case_id) : NULL;
    const Policy__Policy *policy = one && one->n_likes ? organisation_policy(turn, one->row->site, 0) : NULL;
    for (size_t i = 0; policy && i < policy->n_patterns; i++) {
        const Anarec__Like *like = like_of(one, policy->patterns[i]->name);
        if (like)
            look_at(turn, one, policy->patterns[i], like);
    }
}
