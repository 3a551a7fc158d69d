/* The door: shape and limits of what is submitted, fields typed by the policy in force, keys for its personal texts.
   All of it is looked at before the turn, on committed state; decide looks again at what may have changed since. */
#include "intake.h"

#include "organisation/fields.h"
#include "organisation/organisation.h"
#include "policy/lookup.h"
#include "vault/vault.h"

#include <stdio.h>

size_t intake_characters(const char *text)
{
    size_t count = 0;
    for (; *text; text++)
        count += ((uint8_t)*text & 0xc0) != 0x80;
    return count;
}

static Hb__Refusal *bad_field(struct turn *turn, const char *field, const char *zh, const char *en)
{
    Hb__Refusal *refusal = turn_refuse(turn, 422, "bad_field", zh, en);
    refusal_field(turn, refusal, field);
    return refusal;
}

/* ---- texts ---- */

static void check_text(struct turn *turn, const char *field, const char *text, size_t characters_max)
{
    struct arena *arena = turn_arena(turn);
    if (!utf8_valid(text, strlen(text))) {
        bad_field(turn, field, "不是有效的 UTF-8 文本", "the text is not valid UTF-8");
        return;
    }
    if (intake_characters(text) > characters_max) {
        Hb__Refusal *refusal =
            turn_refuse(turn, 413, "too_large", arena_printf(arena, "文本最长 %zu 个字符", characters_max),
                        arena_printf(arena, "a text has at most %zu characters", characters_max));
        refusal_field(turn, refusal, field);
    }
}

/* A name of a few words that is kept as it is and may become part of a key. */
static void check_name(struct turn *turn, const char *field, const char *name)
{
    if (strlen(name) > INTAKE_NAME_BYTES_MAX || !utf8_valid(name, strlen(name)))
        bad_field(turn, field, "须为 200 字节以内的 UTF-8 文本", "must be UTF-8 of at most 200 bytes");
}

static void check_personal(struct turn *turn, const char *field, const Hb__Personal *personal, size_t characters_max)
{
    if (!personal)
        return;
    switch (personal->kind_case) {
    case HB__PERSONAL__KIND_PLAIN:
        check_text(turn, field, personal->plain, characters_max);
        return;
    case HB__PERSONAL__KIND_SEALED: /* intake seals; a box of elsewhere would open under another name */
        bad_field(turn, field, "须为明文，由登记服务密封", "give the plain text; intake seals it");
        return;
    case HB__PERSONAL__KIND__NOT_SET:
        return;
    }
}

static void check_party(struct turn *turn, const Intake__Party *party)
{
    if (!party)
        return;
    check_personal(turn, "party.name", party->name, INTAKE_PARTY_CHARACTERS_MAX);
    check_personal(turn, "party.phone", party->phone, INTAKE_PARTY_CHARACTERS_MAX);
    check_personal(turn, "party.email", party->email, INTAKE_PARTY_CHARACTERS_MAX);
    check_personal(turn, "party.address", party->address, INTAKE_PARTY_CHARACTERS_MAX);
    check_name(turn, "party.language", party->language);
}

/* ---- fields ---- */

static bool asked_of(const Policy__FieldDef *def, bool complainant)
{
    return def->public_ || !complainant;
}

static void unknown_field(struct turn *turn, const Policy__Kind *kind, const char *path, bool complainant)
{
    Hb__Refusal *refusal = bad_field(turn, path, "该类事项没有此字段", "this kind has no such field");
    for (size_t i = 0; i < kind->n_fields; i++)
        if (asked_of(kind->fields[i], complainant))
            refusal_accepts(turn, refusal, kind->fields[i]->name);
}

/* Text as typed on a form becomes a value, unless the field is free text; a value given as such is checked alike. */
static void type_field(struct turn *turn, const Directory__Site *site, const Policy__Kind *kind, Hb__Field *field,
                       const char *path, bool complainant)
{
    const Policy__FieldDef *def = policy_field_of_fact(kind, field->name);
    if (!def || !asked_of(def, complainant) || def->figure) {
        unknown_field(turn, kind, path, complainant);
        return;
    }
    if (field->content_case == HB__FIELD__CONTENT_TEXT)
        check_personal(turn, path, field->text, INTAKE_TEXT_CHARACTERS_MAX);
    if (turn_refused(turn))
        return;
    field_type(turn, site->id, def, field, path);
    if (!turn_refused(turn) && !complainant) /* who complains may use any words */
        field_check_phrases(turn, site->id, def, field, path, NULL, NULL, false);
}

static void type_fields(struct turn *turn, const Directory__Site *site, const Policy__Kind *kind, Hb__Field **fields,
                        size_t count, const char *path, bool complainant)
{
    if (count > INTAKE_FIELDS_MAX) {
        Hb__Refusal *refusal = turn_refuse(turn, 413, "too_large", "字段最多 64 个", "at most 64 fields");
        refusal_field(turn, refusal, path);
        return;
    }
    for (size_t i = 0; i < count && !turn_refused(turn); i++) {
        char *at = arena_printf(turn_arena(turn), "%s.%s", path, fields[i]->name);
        for (size_t j = 0; j < i; j++)
            if (strcmp(fields[j]->name, fields[i]->name) == 0)
                bad_field(turn, at, "字段重复", "the field is given twice");
        if (!turn_refused(turn))
            type_field(turn, site, kind, fields[i], at, complainant);
        if (!turn_refused(turn))
            field_part_follows(turn, NULL, fields, count, fields[i]->name, at);
    }
}

/* ---- kind, category, channel ---- */

const Policy__Kind *intake_kind(struct turn *turn, const Policy__Policy *policy, const char *kind, const char *field)
{
    const Policy__Kind *found = policy_kind(policy, kind);
    if (found)
        return found;
    Hb__Refusal *refusal = turn_refuse(turn, 422, "unknown_kind", "制度中没有该类事项", "the policy has no such kind");
    refusal_field(turn, refusal, field);
    for (size_t i = 0; i < policy->n_kinds; i++)
        refusal_accepts(turn, refusal, policy->kinds[i]->name);
    return NULL;
}

static bool one_of(const Policy__FieldDef *def, const char *name)
{
    for (size_t i = 0; i < def->n_one_of; i++)
        if (strcmp(def->one_of[i]->name, name) == 0)
            return true;
    return false;
}

static void accept_choices(struct turn *turn, Hb__Refusal *refusal, const Policy__FieldDef *def)
{
    for (size_t i = 0; def && i < def->n_one_of; i++)
        refusal_accepts(turn, refusal, def->one_of[i]->name);
}

/* A kind that types its category or channel as a plain name takes any: what another city calls it (an import). */
static bool takes_any(const Policy__FieldDef *def)
{
    return def && def->type == POLICY__FIELD_DEF__TYPE__NAME && !def->n_one_of;
}

/* Categories are those of the policy and the choices of the kind's own field `category`; where neither names any,
   every name will do. */
static void check_category(struct turn *turn, const Policy__Policy *policy, const Policy__Kind *kind,
                           const char *category)
{
    const Policy__FieldDef *def = policy_field(kind, "category");
    bool choices = def && def->n_one_of;
    if (!category[0] || takes_any(def) || (!policy->n_categories && !choices) || (choices && one_of(def, category)))
        return;
    for (size_t i = 0; i < policy->n_categories; i++)
        if (strcmp(policy->categories[i]->name, category) == 0)
            return;
    Hb__Refusal *refusal = bad_field(turn, "category", "制度中没有该类别", "the policy has no such category");
    for (size_t i = 0; i < policy->n_categories; i++)
        refusal_accepts(turn, refusal, policy->categories[i]->name);
    accept_choices(turn, refusal, def);
}

/* Then nothing is filled in for whoever leaves it out: decide refuses under the clause. */
static bool must_say_channel(const Policy__Kind *kind)
{
    const Policy__FieldDef *def = policy_field(kind, "channel");
    return def && def->needed == POLICY__FIELD_DEF__NEEDED__ALWAYS;
}

static void check_channel(struct turn *turn, const Policy__Kind *kind, const char *channel)
{
    if (!channel[0] || policy_takes_channel(kind, channel))
        return;
    const Policy__FieldDef *def = policy_field(kind, "channel");
    Hb__Refusal *refusal =
        bad_field(turn, "channel", "该类事项不由此渠道受理", "cases of this kind do not come in by this channel");
    accept_choices(turn, refusal, def);
    for (size_t i = 0; !(def && def->n_one_of) && policy_channels[i]; i++)
        refusal_accepts(turn, refusal, policy_channels[i]);
}

/* ---- the place ---- */

/* "3-1201" and " 3-1201" are one place. */
static char *normal_place(struct turn *turn, const char *place)
{
    char *normal = arena_alloc(turn_arena(turn), strlen(place) + 1), *end = normal;
    for (; *place; place++)
        if (!strchr(" \t\r\n", *place))
            *end++ = *place >= 'A' && *place <= 'Z' ? (char)(*place - 'A' + 'a') : *place;
    *end = 0;
    return normal;
}

char *intake_place_key(struct turn *turn, const char *site, const char *place)
{
    uint8_t blind[VAULT_BLIND_BYTES];
    char *key = arena_alloc(turn_arena(turn), 2 * sizeof blind + 1);
    vault_blind(turn_vault(turn), arena_printf(turn_arena(turn), "place %s", site), normal_place(turn, place), blind);
    for (size_t i = 0; i < sizeof blind; i++)
        snprintf(key + 2 * i, 3, "%02x", blind[i]);
    return key;
}

bool intake_place_is_listed(const Policy__Kind *kind)
{
    const Policy__FieldDef *def = policy_field(kind, "place");
    return def && def->n_one_of;
}

/* Where the kind lists its places, it is one of them, a fact like any choice. Everywhere else people write addresses
   into it: it is sealed like all free text, and a keyed index of it finds others from the same place. */
static void take_place(struct turn *turn, const char *site, const Policy__Kind *kind, Intake__Submit *submit)
{
    const Policy__FieldDef *def = policy_field(kind, "place");
    if (!submit->place[0] || (intake_place_is_listed(kind) && one_of(def, submit->place)))
        return;
    if (intake_place_is_listed(kind)) {
        accept_choices(turn, bad_field(turn, "place", "没有该地点", "there is no such place"), def);
        return;
    }
    Hb__Field *field = arena_alloc(turn_arena(turn), sizeof *field);
    hb__field__init(field);
    field->name = "place";
    field->content_case = HB__FIELD__CONTENT_TEXT;
    field->text = arena_alloc(turn_arena(turn), sizeof *field->text);
    hb__personal__init(field->text);
    field->text->kind_case = HB__PERSONAL__KIND_PLAIN;
    field->text->plain = submit->place;
    submit->fields = arena_grow(turn_arena(turn), submit->fields, submit->n_fields, sizeof *submit->fields);
    submit->fields[submit->n_fields++] = field;
    submit->place_key = intake_place_key(turn, site, submit->place);
    submit->place = "";
}

/* ---- the commands ---- */

static void take_keys(struct turn *turn, Intake__Submit *submit)
{
    enum err err = vault_take(turn_vault(turn), &submit->identity_key);
    if (!err)
        err = vault_take(turn_vault(turn), &submit->content_key);
    if (err) {
        Hb__Refusal *refusal = turn_refuse(turn, 503, "full", "密钥库没有空间", "the vault has no room for new keys");
        refusal->retry_after_s = 10;
    }
}

const Directory__Site *intake_site(struct turn *turn, const char *id)
{
    const Directory__Site *site = strlen(id) <= INTAKE_NAME_BYTES_MAX ? organisation_site(turn, id) : NULL;
    if (site)
        return site;
    Hb__Refusal *refusal;
    if (organisation_known(turn)) {
        refusal = turn_refuse(turn, 404, "unknown_site", "没有该站点", "there is no such site");
    } else { /* the directory has not been heard yet: it may well exist */
        refusal = turn_refuse(turn, 503, "service_down", "尚未收到组织信息", "the organisation is not known here yet");
        refusal->retry_after_s = 2;
    }
    refusal_field(turn, refusal, "site");
    return NULL;
}

static void check_names(struct turn *turn, const Intake__Submit *submit)
{
    check_name(turn, "kind", submit->kind);
    check_name(turn, "category", submit->category);
    check_name(turn, "channel", submit->channel);
    check_name(turn, "place", submit->place);
    check_name(turn, "department", submit->department);
    if (submit->identity_key || submit->content_key || submit->place_key[0])
        bad_field(turn, submit->place_key[0] ? "place_key" : "identity_key", "密钥由系统分配",
                  "keys are given by the system");
}

/* A form may ask category, channel and place like any field of the kind: they are the submission's own. */
static void lift_field(struct turn *turn, Intake__Submit *submit, const char *name, char **own)
{
    for (size_t i = 0; i < submit->n_fields; i++) {
        Hb__Field *field = submit->fields[i];
        bool plain =
            field->content_case == HB__FIELD__CONTENT_TEXT && field->text->kind_case == HB__PERSONAL__KIND_PLAIN;
        bool value = field->content_case == HB__FIELD__CONTENT_VALUE && field->value->kind_case == HB__VALUE__KIND_TEXT;
        if (strcmp(field->name, name) != 0 || (!plain && !value))
            continue;
        char *given = plain ? field->text->plain : field->value->text;
        if ((*own)[0] && given[0] && strcmp(*own, given) != 0)
            bad_field(turn, name, "前后不一致", "it is given twice and differs");
        else if (given[0])
            *own = given;
        field->content_case = HB__FIELD__CONTENT__NOT_SET;
    }
}

static const Policy__Kind *prepare_submit(struct turn *turn, const Hb__Command *command, const Directory__Site *site,
                                          Intake__Submit *submit)
{
    const Policy__Policy *policy = organisation_policy(turn, site->id, 0);
    if (!policy) {
        turn_refuse(turn, 409, "no_policy", "该站点尚未发布制度", "no policy is in force at this site");
        return NULL;
    }
    bool complainant = command->actor && command->actor->complainant;
    lift_field(turn, submit, "category", &submit->category);
    lift_field(turn, submit, "channel", &submit->channel);
    lift_field(turn, submit, "place", &submit->place);
    check_names(turn, submit);
    const Policy__Kind *kind = turn_refused(turn) ? NULL : intake_kind(turn, policy, submit->kind, "kind");
    if (!kind)
        return NULL;
    if (!submit->channel[0] && complainant)
        submit->channel = "web";
    else if (!submit->channel[0] && !must_say_channel(kind))
        submit->channel = "other";
    check_category(turn, policy, kind, submit->category);
    check_channel(turn, kind, submit->channel);
    check_personal(turn, "text", submit->text, INTAKE_TEXT_CHARACTERS_MAX);
    check_party(turn, submit->party);
    if (!turn_refused(turn))
        type_fields(turn, site, kind, submit->fields, submit->n_fields, "fields", complainant);
    if (!turn_refused(turn))
        type_fields(turn, site, kind, submit->settle_fields, submit->n_settle_fields, "settle_fields", complainant);
    if (!turn_refused(turn))
        take_place(turn, site->id, kind, submit);
    return turn_refused(turn) ? NULL : kind;
}

static void prepare_history(struct turn *turn, const Directory__Site *site, const Policy__Kind *kind,
                            const Intake__History *history)
{
    if (history->n_steps > INTAKE_HISTORY_STEPS_MAX) {
        Hb__Refusal *refusal = turn_refuse(turn, 413, "too_large", "历史步骤最多 32 个", "at most 32 historic steps");
        refusal_field(turn, refusal, "history.steps");
        return;
    }
    for (size_t i = 0; i < history->n_steps && !turn_refused(turn); i++) {
        const Intake__HistoricStep *step = history->steps[i];
        type_fields(turn, site, kind, step->fields, step->n_fields,
                    arena_printf(turn_arena(turn), "history.steps[%zu].fields", i), false);
    }
}

static void prepare_import(struct turn *turn, const Hb__Command *command, const Directory__Site *site,
                           Intake__Import *import)
{
    check_name(turn, "source", import->source);
    check_name(turn, "external_id", import->external_id);
    if (!import->source[0] || !import->external_id[0])
        refusal_field(turn,
                      turn_refuse(turn, 422, "missing_field", "须有来源及其编号", "source and external_id are needed"),
                      import->source[0] ? "external_id" : "source");
    if (!import->submit) {
        refusal_field(turn, turn_refuse(turn, 422, "missing_field", "须有登记内容", "the submission is missing"),
                      "submit");
        return;
    }
    if (import->submit->received_ms)
        bad_field(turn, "submit.received_ms", "导入的收到时间填在 received_ms",
                  "of an import it stands beside the submission: received_ms");
    const Policy__Kind *kind = turn_refused(turn) ? NULL : prepare_submit(turn, command, site, import->submit);
    if (kind && import->history)
        prepare_history(turn, site, kind, import->history);
    if (kind && !turn_refused(turn))
        take_keys(turn, import->submit);
}

void intake_prepare(struct turn *turn, Hb__Command *command)
{
    if (command->payload_case != HB__COMMAND__PAYLOAD_INTAKE)
        return; /* decide refuses it */
    const Directory__Site *site;
    switch (command->intake->kind_case) {
    case INTAKE__COMMAND__KIND_SUBMIT:
        site = intake_site(turn, command->site);
        if (site && prepare_submit(turn, command, site, command->intake->submit))
            take_keys(turn, command->intake->submit);
        return;
    case INTAKE__COMMAND__KIND_IMPORT:
        site = intake_site(turn, command->site);
        if (site)
            prepare_import(turn, command, site, command->intake->import);
        return;
    case INTAKE__COMMAND__KIND_SEARCH:
        if (intake_site(turn, command->site))
            intake_search_prepare(turn, command, command->intake->search);
        return;
    case INTAKE__COMMAND__KIND_REFUSE_HELD:
        check_personal(turn, "reason", command->intake->refuse_held->reason, INTAKE_PARTY_CHARACTERS_MAX);
        intake_prepare_refuse_held(turn, command, command->intake->refuse_held);
        return;
    case INTAKE__COMMAND__KIND_OPEN:
    case INTAKE__COMMAND__KIND_EXPORT:
    case INTAKE__COMMAND__KIND_REGISTER_HELD:
    case INTAKE__COMMAND__KIND__NOT_SET:
        return;
    }
}

/* Under whose keys the command's texts are sealed. */
static const Intake__Submit *submit_of(struct turn *turn, const Hb__Command *command)
{
    const Intakerec__Held *held;
    if (command->payload_case != HB__COMMAND__PAYLOAD_INTAKE)
        return NULL;
    switch (command->intake->kind_case) {
    case INTAKE__COMMAND__KIND_SUBMIT:
        return command->intake->submit;
    case INTAKE__COMMAND__KIND_IMPORT:
        return command->intake->import->submit;
    case INTAKE__COMMAND__KIND_REFUSE_HELD:
        held = intake_held_load(turn, command->intake->refuse_held->held);
        return held ? held->submit : NULL;
    case INTAKE__COMMAND__KIND_OPEN:
    case INTAKE__COMMAND__KIND_SEARCH:
    case INTAKE__COMMAND__KIND_EXPORT:
    case INTAKE__COMMAND__KIND_REGISTER_HELD:
    case INTAKE__COMMAND__KIND__NOT_SET:
        return NULL;
    }
    return NULL;
}

uint64_t intake_seal_key(struct turn *turn, const Hb__Command *command, bool identity)
{
    const Intake__Submit *submit = submit_of(turn, command);
    return !submit ? 0 : identity ? submit->identity_key : submit->content_key;
}
