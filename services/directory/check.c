/* What may stand in an Organise. Everything wrong is told at once, each with its place in the command. What passes here
   is folded by every service, so nothing may pass that one of them could stumble over. */
#include "credentials.h"

#include "policy/lookup.h"

struct check {
    struct turn *turn;
    const Directory__Organise *organise;
};

/* ---- telling ---- */

static void wrong_under(struct check *check, const char *field, const char *clause, const char *zh, const char *en)
{
    Hb__Refusal *refusal = turn_refuse(check->turn, 422, "bad_field", zh, en);
    if (!*refusal->field)
        refusal_field(check->turn, refusal, field);
    if (refusal->n_problems < DIRECTORY_PROBLEMS_MAX)
        refusal_problem(check->turn, refusal, field, clause, zh, en);
}

static void wrong(struct check *check, const char *field, const char *zh, const char *en)
{
    wrong_under(check, field, "", zh, en);
}

/* "people", 3, "name" -> "people[3].name" */
static const char *at(struct check *check, const char *list, size_t index, const char *field)
{
    return arena_printf(turn_arena(check->turn), "%s[%zu].%s", list, index, field);
}

static bool letters_only(const char *text, size_t most, const char *accepted)
{
    return strnlen(text, most + 1) <= most && text[strspn(text, accepted)] == 0;
}

#define SITE_LETTERS "abcdefghijklmnopqrstuvwxyz0123456789-"
#define ID_LETTERS SITE_LETTERS "_"
#define CODE_LETTERS ID_LETTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZ"

static bool good_id(const char *id)
{
    return *id && letters_only(id, DIRECTORY_ID_CHARACTERS_MAX, ID_LETTERS);
}

static void check_id(struct check *check, const char *field, const char *id, const char *letters)
{
    if (!*id || !letters_only(id, DIRECTORY_ID_CHARACTERS_MAX, letters))
        wrong(check, field, "编号须为 1 至 32 个小写字母、数字、- 或 _（站点不用 _）",
              "an id has 1 to 32 lower-case letters, digits, - or _ (no _ in sites)");
}

/* A line of text: it may come to stand in a mail header or a file of others. */
static bool line_ok(const char *text)
{
    if (strnlen(text, DIRECTORY_TEXT_BYTES_MAX + 1) > DIRECTORY_TEXT_BYTES_MAX)
        return false;
    for (const char *c = text; *c; c++)
        if ((unsigned char)*c < 0x20 || *c == 0x7f)
            return false;
    return true;
}

static void check_line(struct check *check, const char *field, const char *text, bool needed)
{
    if (!line_ok(text) || (needed && !*text))
        wrong(check, field, needed ? "须为一行文字，最多 256 字节，不得为空" : "须为一行文字，最多 256 字节",
              needed ? "one line of text is needed, at most 256 bytes" : "one line of text, at most 256 bytes");
}

static void check_label(struct check *check, const char *field, const Hb__Label *label)
{
    if (!label || !*label->zh || !line_ok(label->zh) || !line_ok(label->en))
        wrong(check, field, "缺少名称", "a name is needed: {zh, en}, one line each");
}

static void check_language(struct check *check, const char *field, const char *language)
{
    if (*language && strcmp(language, "zh-CN") != 0 && strcmp(language, "en") != 0)
        wrong(check, field, "语言须为 zh-CN 或 en", "accepted: zh-CN, en");
}

/* ---- who and what is known, before or by this very command ---- */

static bool site_known(const struct check *check, const char *id)
{
    for (size_t i = 0; i < check->organise->n_sites; i++)
        if (strcmp(check->organise->sites[i]->id, id) == 0)
            return true;
    return organisation_site(check->turn, id) != NULL;
}

static bool department_known(const struct check *check, const char *site, const char *id)
{
    const Directory__Organise *organise = check->organise;
    for (size_t i = 0; i < organise->n_departments; i++)
        if (strcmp(organise->departments[i]->id, id) == 0 && strcmp(organise->departments[i]->site, site) == 0)
            return true;
    return organisation_department(check->turn, site, id) != NULL;
}

static bool person_known(const struct check *check, const char *id)
{
    for (size_t i = 0; i < check->organise->n_people; i++)
        if (strcmp(check->organise->people[i]->id, id) == 0)
            return true;
    return organisation_person(check->turn, id) != NULL;
}

static bool account_known(const struct check *check, const char *id)
{
    for (size_t i = 0; i < check->organise->n_accounts; i++)
        if (strcmp(check->organise->accounts[i]->id, id) == 0)
            return true;
    return organisation_account(check->turn, id) != NULL;
}

static void check_person_named(struct check *check, const char *field, const char *id)
{
    if (*id && !person_known(check, id))
        wrong(check, field, "没有这个人", "there is no such person");
}

/* ---- scopes ---- */

static bool scope_known(const char *scope)
{
    static const char *const scopes[] = {"read",     "act",    "submit", "receive", "import", "policy",
                                         "organise", "report", "open",   "audit",   "*"};
    for (size_t i = 0; i < sizeof scopes / sizeof *scopes; i++)
        if (strcmp(scopes[i], scope) == 0)
            return true;
    return false;
}

static void check_scopes(struct check *check, const char *field, char *const *scopes, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (!scope_known(scopes[i]))
            wrong(check, field, "没有这种权限",
                  "accepted: read act submit receive import policy organise report open audit *");
}

/* ---- sites and departments ---- */

static void check_site(struct check *check, size_t i)
{
    const Directory__Site *site = check->organise->sites[i];
    check_id(check, at(check, "sites", i, "id"), site->id, SITE_LETTERS);
    check_label(check, at(check, "sites", i, "name"), site->name);
    check_line(check, at(check, "sites", i, "zone"), site->zone, true);
    check_language(check, at(check, "sites", i, "language"), site->language);
    if (*site->follows && organisation_site(check->turn, site->id) && directory_coming(check->turn, site->id))
        wrong(check, at(check, "sites", i, "follows"), "该站点有待生效的制度，请先撤回",
              "a policy is to take effect at this site: withdraw it first");
    if (*site->follows)
        check_id(check, at(check, "sites", i, "follows"), site->follows, SITE_LETTERS);
    if (!letters_only(site->code, 16, CODE_LETTERS))
        wrong(check, at(check, "sites", i, "code"), "代码最多 16 个字母、数字、- 或 _",
              "a code has at most 16 letters, digits, - or _");
    if (site->n_packs > DIRECTORY_PACKS_MAX)
        wrong(check, at(check, "sites", i, "packs"), "一个站点最多 16 个制度包", "a site has at most 16 packs");
    check_scopes(check, at(check, "sites", i, "second_factor"), site->second_factor, site->n_second_factor);
    for (size_t p = 0; p < site->n_packs; p++)
        check_line(check, at(check, "sites", i, "packs"), site->packs[p], true);
    for (size_t j = 0; j < i; j++)
        if (strcmp(check->organise->sites[j]->id, site->id) == 0)
            wrong(check, at(check, "sites", i, "id"), "该站点出现两次", "this site stands twice");
}

static void check_department(struct check *check, size_t i)
{
    const Directory__Organise *organise = check->organise;
    const Directory__Department *department = organise->departments[i];
    check_id(check, at(check, "departments", i, "id"), department->id, ID_LETTERS);
    check_label(check, at(check, "departments", i, "name"), department->name);
    check_person_named(check, at(check, "departments", i, "head"), department->head);
    if (!site_known(check, department->site))
        wrong(check, at(check, "departments", i, "site"), "没有这个站点", "there is no such site");
    else if (*department->parent && !department_known(check, department->site, department->parent))
        wrong(check, at(check, "departments", i, "parent"), "没有上级部门", "there is no such department at this site");
    if (*department->parent && strcmp(department->parent, department->id) == 0)
        wrong(check, at(check, "departments", i, "parent"), "部门不能是自己的上级", "a department is not above itself");
    if (who_is_role(department->id))
        wrong(check, at(check, "departments", i, "id"), "该词在制度中表示案件角色", "this word means a role in a case");
    for (size_t j = 0; j < i; j++)
        if (strcmp(organise->departments[j]->id, department->id) == 0 &&
            strcmp(organise->departments[j]->site, department->site) == 0)
            wrong(check, at(check, "departments", i, "id"), "该部门出现两次", "this department stands twice");
}

/* ---- people ---- */

/* A post the policy in force knows. One already held stays: the policy may have changed since. */
static void check_post_name(struct check *check, const char *field, const Directory__Person *person,
                            const Directory__Post *post)
{
    const Directory__Person *before = organisation_person(check->turn, person->id);
    if (!good_id(post->post) || who_is_role(post->post)) {
        wrong(check, field, "岗位名须为小写字母、数字、- 或 _，且不是案件角色",
              "a post has lower-case letters, digits, - or _, and is no role in a case");
        return;
    }
    const Policy__Policy *policy = organisation_policy(check->turn, post->site, 0);
    if (!policy || policy->n_posts == 0 || (before && organisation_holds(before, post->site, post->post)))
        return;
    const Policy__Post *known = policy_post(policy, post->post);
    if (known && known->undescribed) {
        wrong_under(check, field, known->n_clauses ? known->clauses[0] : "",
                    arena_printf(turn_arena(check->turn), "岗位\"%s\"尚无书面的职责和权力，不能授予", known->label->zh),
                    arena_printf(turn_arena(check->turn),
                                 "the duties and powers of the post \"%s\" are not written yet: it cannot be given",
                                 known->label->en));
        return;
    }
    if (known)
        return;
    wrong(check, field, "该站点的制度没有这个岗位", "the policy of this site has no such post");
    Hb__Refusal *refusal = turn_refuse(check->turn, 422, "bad_field", "", "");
    for (size_t i = 0; refusal->n_accepted == i && i < policy->n_posts; i++)
        refusal_accepts(check->turn, refusal, policy->posts[i]->name);
}

static void check_post(struct check *check, size_t i, size_t p)
{
    const Directory__Person *person = check->organise->people[i];
    const Directory__Post *post = person->posts[p];
    char *place = arena_printf(turn_arena(check->turn), "people[%zu].posts", i);
    if (!site_known(check, post->site))
        wrong(check, at(check, place, p, "site"), "没有这个站点", "there is no such site");
    else if (*post->department && !department_known(check, post->site, post->department))
        wrong(check, at(check, place, p, "department"), "该站点没有这个部门",
              "there is no such department at this site");
    else
        check_post_name(check, at(check, place, p, "post"), person, post);
}

/* A right is lent for a time, never for good. */
static void check_delegations(struct check *check, size_t i)
{
    const Directory__Person *person = check->organise->people[i];
    char *place = arena_printf(turn_arena(check->turn), "people[%zu].delegations", i);
    if (person->n_delegations > DIRECTORY_DELEGATIONS_MAX)
        wrong(check, place, "最多 16 项代理授权", "at most 16 delegations");
    for (size_t d = 0; d < person->n_delegations; d++) {
        const Directory__Delegation *delegation = person->delegations[d];
        if (!*delegation->to)
            wrong(check, at(check, place, d, "to"), "请指明代理人", "name the person who stands in");
        check_person_named(check, at(check, place, d, "to"), delegation->to);
        if (strcmp(delegation->to, person->id) == 0)
            wrong(check, at(check, place, d, "to"), "不能做自己的代理人", "nobody stands in for oneself");
        if (!delegation->from_ms || delegation->to_ms <= delegation->from_ms)
            wrong(check, at(check, place, d, "to_ms"), "代理须有起止时间，止在起之后",
                  "a delegation has a beginning and an end after it");
        check_line(check, at(check, place, d, "reason"), delegation->reason, false);
    }
}

/* A rule that takes the mark off; NULL: the policy leaves it to whoever keeps the organisation. */
static const Policy__Rule *ends_practice(const Policy__Policy *policy, const Policy__Kind **kind_out)
{
    for (size_t k = 0; policy && k < policy->n_kinds; k++)
        for (size_t r = 0; r < policy->kinds[k]->n_rules; r++) {
            const Policy__Rule *rule = policy->kinds[k]->rules[r];
            *kind_out = policy->kinds[k];
            for (size_t a = 0; a < rule->n_then; a++)
                if (rule->then[a]->type == POLICY__ACTION__TYPE__MARK &&
                    strcmp(rule->then[a]->set->name, "trainee") == 0 && !rule->then[a]->set->value &&
                    policy_field(*kind_out, rule->then[a]->name))
                    return rule;
        }
    return NULL;
}

static bool has_post_at(const Directory__Person *person, const char *site)
{
    for (size_t p = 0; p < person->n_posts; p++)
        if (strcmp(person->posts[p]->site, site) == 0)
            return true;
    return false;
}

/* Where the policy ends the practice by a case, nobody ends it by hand. Of who has no post, any site's counts: he is
   not taken out of his post to be unmarked. */
static void check_trainee(struct check *check, size_t i)
{
    const Directory__Person *person = check->organise->people[i];
    const Directory__Person *before = organisation_person(check->turn, person->id);
    if (!before || !before->trainee || person->trainee)
        return;
    for (const Directory__Site **site = organisation_sites(check->turn); *site; site++) {
        const Policy__Kind *kind = NULL;
        bool there = has_post_at(before, (*site)->id) || has_post_at(person, (*site)->id) || !before->n_posts;
        const Policy__Rule *rule =
            there ? ends_practice(organisation_policy(check->turn, (*site)->id, 0), &kind) : NULL;
        if (!rule)
            continue;
        struct arena *arena = turn_arena(check->turn);
        wrong_under(check, at(check, "people", i, "trainee"), rule->n_clauses ? rule->clauses[0] : "",
                    arena_printf(arena, "见习标记由事项“%s”办结后取消，不能直接取消", kind->label->zh),
                    arena_printf(arena,
                                 "the mark of a trainee is taken off by a case \"%s\" that has ended, not by hand",
                                 kind->label->en));
        return;
    }
}

/* ---- shifts of whoever leaves a post ---- */

static bool holds_any(const Directory__Person *person, const char *site, const Policy__Roster *roster)
{
    for (size_t p = 0; p < roster->n_posts; p++)
        if (organisation_holds(person, site, roster->posts[p]))
            return true;
    return false;
}

/* By this very command the time is planned anew. */
static bool planned_anew(const struct check *check, const Directory__RosterPlan *plan, const Directory__Shift *shift)
{
    for (size_t i = 0; i < check->organise->n_rosters; i++) {
        const Directory__RosterPlan *anew = check->organise->rosters[i];
        if (strcmp(anew->site, plan->site) == 0 && strcmp(anew->roster, plan->roster) == 0 &&
            strcmp(anew->thing, plan->thing) == 0 && anew->from_ms <= shift->from_ms && shift->from_ms < anew->to_ms)
            return true;
    }
    return false;
}

static void check_plan_kept(struct check *check, size_t i, const Directory__RosterPlan *plan,
                            const Policy__Roster *roster)
{
    struct arena *arena = turn_arena(check->turn);
    const Directory__Shift *first = NULL;
    for (size_t s = 0; plan && s < plan->n_shifts; s++) {
        const Directory__Shift *shift = plan->shifts[s];
        bool his = strcmp(shift->person, check->organise->people[i]->id) == 0 && shift->to_ms > turn_now(check->turn);
        if (his && !planned_anew(check, plan, shift) && (!first || shift->from_ms < first->from_ms))
            first = shift;
    }
    if (!first)
        return;
    const char *from = directory_local_text(check->turn, plan->site, first->from_ms);
    wrong_under(
        check, at(check, "people", i, "posts"), roster->n_clauses ? roster->clauses[0] : "",
        arena_printf(arena, "%s 尚有 %s 起的班次，免去岗位后无人值班：请先（或同时）改排他人", roster->label->zh, from),
        arena_printf(arena,
                     "%s: the shift from %s would be nobody's without the post: plan it for somebody else "
                     "first, or by the same command",
                     roster->label->en, from));
}

static void check_roster_kept(struct check *check, size_t i, const char *site, const Policy__Roster *roster)
{
    struct turn *turn = check->turn;
    if (!*roster->of)
        check_plan_kept(check, i, organisation_roster(turn, site, roster->name, ""), roster);
    for (const Directory__Thing **thing = *roster->of ? organisation_things(turn, site, roster->of) : NULL;
         thing && *thing; thing++)
        check_plan_kept(check, i, organisation_roster(turn, site, roster->name, (*thing)->id), roster);
}

/* Whoever held a post of the roster and holds none of them any more has no shift in it that is not over. */
static void check_shifts_kept(struct check *check, size_t i)
{
    const Directory__Person *person = check->organise->people[i];
    const Directory__Person *before = organisation_person(check->turn, person->id);
    for (const Directory__Site **site = before ? organisation_sites(check->turn) : NULL; site && *site; site++) {
        const Policy__Policy *policy =
            has_post_at(before, (*site)->id) ? organisation_policy(check->turn, (*site)->id, 0) : NULL;
        for (size_t r = 0; policy && r < policy->n_rosters; r++)
            if (holds_any(before, (*site)->id, policy->rosters[r]) &&
                !holds_any(person, (*site)->id, policy->rosters[r]))
                check_roster_kept(check, i, (*site)->id, policy->rosters[r]);
    }
}

static void check_person(struct check *check, size_t i)
{
    const Directory__Person *person = check->organise->people[i];
    check_id(check, at(check, "people", i, "id"), person->id, ID_LETTERS);
    check_line(check, at(check, "people", i, "name"), person->name, true);
    check_language(check, at(check, "people", i, "language"), person->language);
    const char *sign = strchr(person->email, '@');
    if (*person->email && (!line_ok(person->email) || strpbrk(person->email, " ,;<>\"") || !sign ||
                           sign == person->email || !sign[1] || strchr(sign + 1, '@')))
        wrong(check, at(check, "people", i, "email"), "邮箱地址无效", "an address is accepted as name@example.org");
    check_person_named(check, at(check, "people", i, "deputy"), person->deputy);
    if (*person->deputy && strcmp(person->deputy, person->id) == 0)
        wrong(check, at(check, "people", i, "deputy"), "不能做自己的代理人", "nobody is their own deputy");
    if (person->n_posts > 32)
        wrong(check, at(check, "people", i, "posts"), "一人最多 32 个岗位", "a person holds at most 32 posts");
    for (size_t p = 0; p < person->n_posts; p++)
        check_post(check, i, p);
    check_delegations(check, i);
    check_trainee(check, i);
    check_shifts_kept(check, i);
    for (size_t j = 0; j < i; j++)
        if (strcmp(check->organise->people[j]->id, person->id) == 0)
            wrong(check, at(check, "people", i, "id"), "此人出现两次", "this person stands twice");
}

/* ---- accounts ---- */

static void check_account(struct check *check, size_t i)
{
    const Directory__Account *account = check->organise->accounts[i];
    check_id(check, at(check, "accounts", i, "id"), account->id, ID_LETTERS);
    check_person_named(check, at(check, "accounts", i, "person"), account->person);
    check_scopes(check, at(check, "accounts", i, "scopes"), account->scopes, account->n_scopes);
    for (size_t s = 0; s < account->n_sites; s++)
        if (strcmp(account->sites[s], "*") != 0 && !site_known(check, account->sites[s]))
            wrong(check, at(check, "accounts", i, "sites"), "没有这个站点", "there is no such site");
    for (size_t j = 0; j < i; j++)
        if (strcmp(check->organise->accounts[j]->id, account->id) == 0)
            wrong(check, at(check, "accounts", i, "id"), "该账号出现两次", "this account stands twice");
}

static void check_secret(struct check *check, size_t i)
{
    const Directory__AccountSecret *secret = check->organise->secrets[i];
    if (!account_known(check, secret->account))
        wrong(check, at(check, "secrets", i, "account"), "没有这个账号", "there is no such account");
    if (secret->token_hash.len != 0 && secret->token_hash.len != DIRECTORY_TOKEN_HASH_BYTES)
        wrong(check, at(check, "secrets", i, "token_hash"), "令牌散列须为 32 字节，或为空（作废）",
              "a token hash has 32 bytes, or none: then there is no token any more");
    if (*secret->password_hash && !password_hash_sound(secret->password_hash))
        wrong(check, at(check, "secrets", i, "password_hash"), "须为 argon2id 散列", "a hash of argon2id is accepted");
    for (size_t j = 0; j < i; j++)
        if (strcmp(check->organise->secrets[j]->account, secret->account) == 0)
            wrong(check, at(check, "secrets", i, "account"), "该账号出现两次", "this account stands twice");
}

/* ---- calendars ---- */

static bool shifts_ok(Calendar__Shift *const *shifts, size_t count)
{
    uint32_t last = 0;
    for (size_t i = 0; i < count; i++) {
        if (shifts[i]->from_min < last || shifts[i]->to_min <= shifts[i]->from_min || shifts[i]->to_min > 1440)
            return false;
        last = shifts[i]->to_min;
    }
    return true;
}

static bool week_ok(const Calendar__Calendar *calendar)
{
    size_t worked = 0;
    for (size_t i = 0; i < calendar->n_week; i++) {
        if (!shifts_ok(calendar->week[i]->shifts, calendar->week[i]->n_shifts))
            return false;
        worked += calendar->week[i]->n_shifts;
    }
    return calendar->n_week == 7 && worked > 0;
}

static bool exceptions_ok(const Calendar__Calendar *calendar)
{
    for (size_t i = 0; i < calendar->n_exceptions; i++) {
        const Calendar__Exception *exception = calendar->exceptions[i];
        bool ordered = i == 0 || calendar->exceptions[i - 1]->date < exception->date;
        bool shifts = shifts_ok(exception->shifts, exception->n_shifts) && (exception->works || !exception->n_shifts);
        if (!ordered || !shifts || !line_ok(exception->name))
            return false;
    }
    return true;
}

static void check_calendar(struct check *check, size_t i)
{
    const Calendar__Calendar *calendar = check->organise->calendars[i];
    check_id(check, at(check, "calendars", i, "name"), calendar->name, ID_LETTERS);
    check_line(check, at(check, "calendars", i, "zone"), calendar->zone, true);
    if (!week_ok(calendar))
        wrong(check, at(check, "calendars", i, "week"), "须有七天，周一在前，至少一天有班次，班次按时间先后",
              "seven days, Monday first, at least one with shifts; shifts in order, within 0 and 1440 minutes");
    if (!exceptions_ok(calendar))
        wrong(check, at(check, "calendars", i, "exceptions"), "例外须按日期先后，每日一条；休息日没有班次",
              "exceptions in order of date, one a day; a day off has no shifts");
    if (calendar->december_from > 31)
        wrong(check, at(check, "calendars", i, "december_from"), "须为 0 至 31", "accepted: 0 to 31");
    for (size_t j = 0; j < i; j++)
        if (strcmp(check->organise->calendars[j]->name, calendar->name) == 0)
            wrong(check, at(check, "calendars", i, "name"), "该日历出现两次", "this calendar stands twice");
}

/* ---- size ---- */

static void check_size(struct check *check, const char *list, size_t i, const ProtobufCMessage *thing)
{
    if (protobuf_c_message_get_packed_size(thing) > DIRECTORY_THING_BYTES_MAX)
        wrong(check, arena_printf(turn_arena(check->turn), "%s[%zu]", list, i), "超过 96 KiB", "this is over 96 KiB");
}

static bool not_too_many(struct turn *turn, const Directory__Organise *organise)
{
    const Directory__Organisation *seen = organise->seen;
    size_t things = organise->n_sites + organise->n_departments + organise->n_people + organise->n_accounts +
                    organise->n_secrets + organise->n_calendars + organise->n_things + organise->n_rosters;
    if (seen)
        things += seen->n_sites + seen->n_departments + seen->n_people + seen->n_accounts + seen->n_calendars +
                  seen->n_things + seen->n_rosters;
    bool ok = things <= DIRECTORY_THINGS_MAX &&
              protobuf_c_message_get_packed_size(&organise->base) <= DIRECTORY_ORGANISE_BYTES_MAX;
    if (!ok)
        turn_refuse(turn, 413, "too_large", "一次最多 1000 项、1 MiB", "at most 1000 things and 1 MiB in one command");
    return ok;
}

void directory_check_organise(struct turn *turn, const Directory__Organise *organise)
{
    struct check check = {turn, organise};
    if (!not_too_many(turn, organise))
        return;
    for (size_t i = 0; i < organise->n_sites; i++) {
        check_size(&check, "sites", i, &organise->sites[i]->base);
        check_site(&check, i);
    }
    for (size_t i = 0; i < organise->n_departments; i++)
        check_department(&check, i);
    for (size_t i = 0; i < organise->n_people; i++)
        check_person(&check, i);
    for (size_t i = 0; i < organise->n_accounts; i++) {
        check_size(&check, "accounts", i, &organise->accounts[i]->base);
        check_account(&check, i);
    }
    for (size_t i = 0; i < organise->n_secrets; i++)
        check_secret(&check, i);
    for (size_t i = 0; i < organise->n_calendars; i++) {
        check_size(&check, "calendars", i, &organise->calendars[i]->base);
        check_calendar(&check, i);
    }
    for (size_t i = 0; i < organise->n_things; i++)
        check_size(&check, "things", i, &organise->things[i]->base);
    for (size_t i = 0; i < organise->n_rosters; i++)
        check_size(&check, "rosters", i, &organise->rosters[i]->base);
    directory_check_things(turn, organise);
}
