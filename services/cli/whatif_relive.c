/* What the logs say that people did, done again: each registration and each step as a command, at its time, by the same
   person. What was sealed is a placeholder: that there was a text counts, what it said nobody here may read. */
#include "whatif.h"

#include "message/message.h"
#include "policy/lookup.h"

#include <string.h>

#define PLACEHOLDER "……"
#define PLACEHOLDER_EMAIL "placeholder@example.org"

static void note_account(struct whatif *whatif, const Directory__Account *account)
{
    bool new;
    if (!*account->person)
        return;
    struct slot *slot =
        map_put(&whatif->accounts, identity_of("person", (const char *[]){account->person}, 1, NULL, 0), &new);
    slot->a = whatif->accounts_count;
    WHATIF_ADD(&whatif->kept, whatif->account_ids, whatif->accounts_count, arena_strdup(&whatif->kept, account->id));
}

static void relive_directory(struct whatif *whatif, const Hb__Event *event)
{
    const Directory__Event *said = event->directory;
    if (said->kind_case == DIRECTORY__EVENT__KIND_POLICY_PART)
        relive_part(whatif, said->policy_part);
    if (said->kind_case == DIRECTORY__EVENT__KIND_ACCOUNT_DEFINED)
        note_account(whatif, said->account_defined);
    if (said->kind_case == DIRECTORY__EVENT__KIND_POLICY_PUBLISHED &&
        strcmp(said->policy_published->site, whatif->site) == 0) {
        relive_published(whatif, said->policy_published);
        return;
    }
    if (said->kind_case == DIRECTORY__EVENT__KIND_POLICY_SCHEDULED ||
        said->kind_case == DIRECTORY__EVENT__KIND_POLICY_WITHDRAWN)
        return; /* what came of it stands in PolicyPublished */
    for (unsigned i = 0; i < LIVES; i++)
        life_say(&whatif->lives[i], event);
}

/* ---- fields ---- */

static Hb__Personal *placeholder(struct life *life, const char *text)
{
    Hb__Personal *personal = WHATIF_NEW(life, Hb__Personal, hb__personal__init);
    personal->kind_case = HB__PERSONAL__KIND_PLAIN;
    personal->plain = (char *)(uintptr_t)text;
    return personal;
}

static Hb__Personal *placeholder_for(struct life *life, const Hb__Personal *was, const char *text)
{
    return was && was->kind_case != HB__PERSONAL__KIND__NOT_SET ? placeholder(life, text) : NULL;
}

static void add_text(struct life *life, Hb__Field ***list, size_t *count, const char *name)
{
    Hb__Field *field = WHATIF_NEW(life, Hb__Field, hb__field__init);
    field->name = (char *)(uintptr_t)name;
    field->content_case = HB__FIELD__CONTENT_TEXT;
    field->text = placeholder(life, PLACEHOLDER);
    WHATIF_ADD(&life->arena, *list, *count, field);
}

static void add_value(struct life *life, Hb__Field ***list, size_t *count, const char *name, const Hb__Value *value)
{
    Hb__Field *field = WHATIF_NEW(life, Hb__Field, hb__field__init);
    field->name = (char *)(uintptr_t)name;
    field->content_case = HB__FIELD__CONTENT_VALUE;
    field->value = (Hb__Value *)message_copy(&value->base, &life->arena);
    WHATIF_ADD(&life->arena, *list, *count, field);
}

static bool is_value(const Hb__Fact *fact)
{
    return fact->value && fact->value->kind_case != HB__VALUE__KIND__NOT_SET &&
           fact->value->kind_case != HB__VALUE__KIND_PRESENT;
}

static bool same_value(const Hb__Value *a, const Hb__Value *b)
{
    uint8_t one[512], other[512];
    size_t size = hb__value__get_packed_size(a);
    if (size > sizeof one || size != hb__value__get_packed_size(b))
        return false;
    hb__value__pack(a, one);
    hb__value__pack(b, other);
    return memcmp(one, other, size) == 0;
}

static bool sets(const Policy__Step *step, const Hb__Fact *fact)
{
    for (size_t i = 0; step && i < step->n_set; i++)
        if (strcmp(step->set[i]->name, fact->name) == 0 && step->set[i]->value &&
            same_value(step->set[i]->value, fact->value))
            return true;
    return false;
}

/* How many parts there are is counted from what they have. */
static bool entered(const Policy__FieldDef *def)
{
    return def && !def->figure && def->type != POLICY__FIELD_DEF__TYPE__PARTS &&
           def->type != POLICY__FIELD_DEF__TYPE__CHECKLIST;
}

static bool given_already(Hb__Field *const *fields, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(fields[i]->name, name) == 0)
            return true;
    return false;
}

/* ---- registrations ---- */

/* Of then: which of the facts were given, and which the policy filled in. */
static bool was_given(const Policy__Kind *was, const Policy__Step *settled, const Hb__Fact *fact)
{
    const Policy__FieldDef *def = was ? policy_field_of_fact(was, fact->name) : NULL;
    return entered(def) && is_value(fact) && !sets(settled, fact) &&
           !(def->default_value && same_value(def->default_value, fact->value));
}

static Intake__Party *party_of(struct life *life, const Intake__Party *was)
{
    Intake__Party *party = WHATIF_NEW(life, Intake__Party, intake__party__init);
    party->name = placeholder_for(life, was->name, PLACEHOLDER);
    party->phone = placeholder_for(life, was->phone, "00000000");
    party->email = placeholder_for(life, was->email, PLACEHOLDER_EMAIL);
    party->address = placeholder_for(life, was->address, PLACEHOLDER);
    party->anonymous = was->anonymous;
    party->confidential = was->confidential;
    party->language = was->language;
    return party;
}

static void add_given(struct life *life, Intake__Submit *submit, const Hb__Event *event, const Policy__Kind *was)
{
    static const char *const own[] = {"category", "channel", "place"};
    const Intake__CaseRegistered *registered = event->intake->registered;
    const Policy__Kind *kind =
        life->which && life->whatif->turned ? policy_kind(life->whatif->fresh, registered->kind) : was;
    const Policy__Step *settled = was && *registered->settled_step ? policy_step(was, registered->settled_step) : NULL;
    for (size_t i = 0; i < event->n_facts; i++) {
        const Hb__Fact *fact = event->facts[i];
        bool mine =
            strcmp(fact->name, own[0]) == 0 || strcmp(fact->name, own[1]) == 0 || strcmp(fact->name, own[2]) == 0;
        if (mine || !was_given(was, settled, fact) || !kind || !policy_field_of_fact(kind, fact->name))
            continue;
        if (settled && policy_step_takes(was, settled, fact->name))
            add_value(life, &submit->settle_fields, &submit->n_settle_fields, fact->name, fact->value);
        else
            add_value(life, &submit->fields, &submit->n_fields, fact->name, fact->value);
    }
    for (size_t i = 0; i < registered->n_texts; i++) {
        const char *name = registered->texts[i]->name;
        if (strcmp(name, "place") == 0) /* the same place has the same word: likely duplicates stay what they were */
            submit->place = *registered->place_key ? registered->place_key : (char *)(uintptr_t)PLACEHOLDER;
        else if (!kind || !policy_field_of_fact(kind, name))
            continue;
        else if (settled && policy_step_takes(was, settled, name))
            add_text(life, &submit->settle_fields, &submit->n_settle_fields, name);
        else
            add_text(life, &submit->fields, &submit->n_fields, name);
    }
}

static Intake__Submit *submit_of(struct life *life, const Hb__Event *event)
{
    const Intake__CaseRegistered *registered = event->intake->registered;
    const Policy__Policy *policy = whatif_version(life->whatif, event->policy_version);
    const Policy__Kind *was = policy ? policy_kind(policy, registered->kind) : NULL;
    Intake__Submit *submit = WHATIF_NEW(life, Intake__Submit, intake__submit__init);
    submit->kind = registered->kind;
    submit->category = registered->category;
    submit->channel = registered->channel;
    submit->place = registered->place;
    submit->department = registered->department;
    submit->text = placeholder_for(life, registered->text, PLACEHOLDER);
    submit->party = registered->party ? party_of(life, registered->party) : NULL;
    submit->settle = *registered->settled_step != 0;
    add_given(life, submit, event, was);
    return submit;
}

static Intake__History *history_of(struct life *life, const Intake__History *was)
{
    Intake__History *history = (Intake__History *)message_copy(&was->base, &life->arena);
    for (size_t i = 0; i < history->n_steps; i++)
        for (size_t f = 0; f < history->steps[i]->n_fields; f++)
            if (history->steps[i]->fields[f]->content_case == HB__FIELD__CONTENT_TEXT)
                history->steps[i]->fields[f]->text = placeholder(life, PLACEHOLDER);
    return history;
}

static Hb__Command *command_of(struct life *life, const Hb__Event *event)
{
    Hb__Command *command = WHATIF_NEW(life, Hb__Command, hb__command__init);
    command->actor = event->actor ? (Hb__Actor *)message_copy(&event->actor->base, &life->arena)
                                  : WHATIF_NEW(life, Hb__Actor, hb__actor__init);
    command->actor->post = "";
    command->account = command->actor->account;
    command->site = event->site;
    return command;
}

static void register_in(struct life *life, const Hb__Event *event, size_t at)
{
    struct whatif *whatif = life->whatif;
    const Intake__CaseRegistered *registered = event->intake->registered;
    struct story *story = &whatif->records[at].stories[life->which];
    arena_reset(&life->arena);
    Hb__Command *command = command_of(life, event);
    if (*registered->held) /* let in by somebody: its sender may not say that it came in earlier */
        command->actor->operator_ = true;
    command->payload_case = HB__COMMAND__PAYLOAD_INTAKE;
    command->intake = WHATIF_NEW(life, Intake__Command, intake__command__init);
    Intake__Submit *submit = submit_of(life, event);
    if (*registered->source) {
        Intake__Import *import = WHATIF_NEW(life, Intake__Import, intake__import__init);
        import->submit = submit;
        import->received_ms = event->occurred_ms;
        import->source = registered->source;
        import->external_id = registered->external_id;
        import->history = registered->history ? history_of(life, registered->history) : NULL;
        command->intake->kind_case = INTAKE__COMMAND__KIND_IMPORT;
        command->intake->import = import;
    } else {
        command->intake->kind_case = INTAKE__COMMAND__KIND_SUBMIT;
        command->intake->submit = submit;
        if (event->occurred_ms < event->recorded_ms)
            submit->received_ms = event->occurred_ms;
    }
    life_run(life, event->recorded_ms);
    const Hb__CommandReply *reply = life_send(life, HB__SERVICE__INTAKE, command);
    if (!reply || reply->refused) {
        story->not_zh = arena_strdup(&whatif->kept, reply ? reply->refused->text->zh : "没有应答");
        story->not_en = arena_strdup(&whatif->kept, reply ? reply->refused->text->en : "no answer");
        for (size_t i = 0; reply && i < reply->refused->n_problems; i++) {
            const Hb__Label *text = reply->refused->problems[i]->text;
            story->not_zh = arena_printf(&whatif->kept, "%s；%s", story->not_zh, text ? text->zh : "");
            story->not_en = arena_printf(&whatif->kept, "%s; %s", story->not_en, text ? text->en : "");
        }
        if (reply && *reply->refused->field) {
            story->not_zh = arena_printf(&whatif->kept, "%s（%s）", story->not_zh, reply->refused->field);
            story->not_en = arena_printf(&whatif->kept, "%s (%s)", story->not_en, reply->refused->field);
        }
        return;
    }
    bool new;
    map_put(&life->cases, reply->case_id, &new)->a = at;
    story->case_id = reply->case_id;
    story->kind = arena_strdup(&whatif->kept, registered->kind);
}

/* What cannot even be done again under the policy of then is counted: the comparison says nothing of it. */
static void not_repeated(struct whatif *whatif, const char *number, const char *step, const char *zh, const char *en)
{
    if (whatif->unrepeated++)
        return;
    whatif->unrepeated_zh = arena_printf(&whatif->kept, "%s %s：%s", number, step, zh);
    whatif->unrepeated_en = arena_printf(&whatif->kept, "%s %s: %s", number, step, en);
}

static size_t record_of_past(const struct whatif *whatif, uint64_t case_id)
{
    const struct slot *slot = case_id ? map_find(&whatif->past_cases, case_id) : NULL;
    return slot ? (size_t)slot->a + 1 : 0;
}

/* What a rule opened, opens again by itself, or does not: it only gets the name it had. */
static void relive_registered(struct whatif *whatif, const Hb__Event *event)
{
    const Intake__CaseRegistered *registered = event->intake->registered;
    bool new, by_rule = registered->requested_by != NULL;
    size_t at;
    if (by_rule) {
        uint64_t opener = registered->n_links ? registered->links[0]->case_id : 0;
        for (unsigned i = 0; i < LIVES; i++) {
            life_run(&whatif->lives[i], event->recorded_ms);
            life_collect(&whatif->lives[i]);
        }
        at = record_opened(whatif, &whatif->past_opened, record_of_past(whatif, opener), registered);
    } else {
        at = record_new(whatif);
        whatif->deeds++;
        for (unsigned i = 0; i < LIVES; i++)
            register_in(&whatif->lives[i], event, at);
        const struct story *old = &whatif->records[at].stories[0];
        if (!old->case_id)
            not_repeated(whatif, registered->number, "register", old->not_zh, old->not_en);
    }
    struct record *record = &whatif->records[at];
    record->number = arena_strdup(&whatif->kept, registered->number);
    record->past_id = event->case_id;
    record->at_ms = event->occurred_ms; /* of an import: when it was received */
    record->version = event->policy_version;
    map_put(&whatif->past_cases, event->case_id, &new)->a = at;
    whatif->cases += event->occurred_ms >= whatif->since_ms;
}

/* ---- steps ---- */

static void add_step_fields(struct life *life, Casework__Act *act, const Hb__Event *event, const struct record *record)
{
    const struct whatif *whatif = life->whatif;
    const Casework__StepTaken *taken = event->casework->step_taken;
    const struct story *story = &record->stories[life->which];
    const Policy__Policy *old = whatif_version(whatif, record->version), *policy = story->of_new ? whatif->fresh : old;
    const Policy__Kind *was = old ? policy_kind(old, record->stories[0].kind ? record->stories[0].kind : "") : NULL;
    const Policy__Kind *kind = policy && story->kind ? policy_kind(policy, story->kind) : NULL;
    const Policy__Step *step = kind ? policy_step(kind, act->step) : NULL;
    const Policy__Step *did = was ? policy_step(was, taken->step) : NULL;
    for (size_t i = 0; step && i < event->n_facts; i++) {
        const Hb__Fact *fact = event->facts[i];
        const Policy__FieldDef *def = policy_field_of_fact(kind, fact->name);
        bool given = is_value(fact) && !sets(did, fact) && policy_step_takes(kind, step, fact->name);
        if (given && entered(def) && !given_already(act->fields, act->n_fields, fact->name))
            add_value(life, &act->fields, &act->n_fields, fact->name, fact->value);
    }
    for (size_t i = 0; step && i < taken->n_texts; i++)
        if (policy_step_takes(kind, step, taken->texts[i]->name))
            add_text(life, &act->fields, &act->n_fields, taken->texts[i]->name);
    act->note = placeholder_for(life, taken->note, PLACEHOLDER);
}

static const char *account_of(const struct whatif *whatif, const char *person)
{
    const struct slot *slot = map_find(&whatif->accounts, identity_of("person", (const char *[]){person}, 1, NULL, 0));
    return slot ? whatif->account_ids[slot->a] : NULL;
}

struct done { /* a step, in one life */
    const Hb__Refusal *refusal;
    bool sent;
};

/* `by` NULL: who did it. */
static struct done act_in(struct life *life, size_t at, const Hb__Event *event, const char *step, const char *clock,
                          const char *by)
{
    struct whatif *whatif = life->whatif;
    const struct record *record = &whatif->records[at];
    arena_reset(&life->arena);
    if (!record->stories[life->which].case_id)
        return (struct done){NULL, false};
    Hb__Command *command = command_of(life, event);
    Casework__Act *act = WHATIF_NEW(life, Casework__Act, casework__act__init);
    if (by) {
        command->actor->person = (char *)(uintptr_t)by;
        command->actor->account = command->account = (char *)(uintptr_t)account_of(whatif, by);
    }
    command->case_id = record->stories[life->which].case_id;
    command->payload_case = HB__COMMAND__PAYLOAD_CASEWORK;
    command->casework = WHATIF_NEW(life, Casework__Command, casework__command__init);
    command->casework->kind_case = CASEWORK__COMMAND__KIND_ACT;
    command->casework->act = act;
    act->step = (char *)(uintptr_t)step;
    if (clock) {
        Hb__Value value = HB__VALUE__INIT;
        value.kind_case = HB__VALUE__KIND_TEXT;
        value.text = (char *)(uintptr_t)clock;
        add_value(life, &act->fields, &act->n_fields, "clock", &value);
        add_text(life, &act->fields, &act->n_fields, "reason");
    } else {
        add_step_fields(life, act, event, record);
    }
    const Hb__CommandReply *reply = life_send(life, HB__SERVICE__CASEWORK, command);
    static Hb__Refusal silent = HB__REFUSAL__INIT;
    static Hb__Label text = HB__LABEL__INIT;
    text.zh = "没有应答";
    text.en = "no answer";
    silent.text = &text;
    return (struct done){reply ? reply->refused : &silent, true};
}

/* Where the case is another's in the second life, its handler does there what the handler did here. */
static const char *stand_in(const struct whatif *whatif, size_t at, const Hb__Event *event, const char *handler_then)
{
    const char *now = whatif->records[at].stories[1].handler;
    bool was_his = event->actor && *event->actor->person && strcmp(event->actor->person, handler_then) == 0;
    return was_his && *now && strcmp(now, handler_then) != 0 && account_of(whatif, now) ? now : NULL;
}

static void take_step(struct whatif *whatif, size_t at, const Hb__Event *event, const char *step, const char *clock)
{
    struct done done[LIVES];
    for (unsigned i = 0; i < LIVES; i++) {
        life_run(&whatif->lives[i], event->recorded_ms);
        life_collect(&whatif->lives[i]);
    }
    const char *handler = whatif->records[at].stories[0].handler;
    const char *instead = stand_in(whatif, at, event, handler);
    whatif->deeds++;
    for (unsigned i = 0; i < LIVES; i++) {
        done[i] = act_in(&whatif->lives[i], at, event, step, clock, NULL);
        if (i == 1 && instead && done[i].refusal && done[i].refusal->status == 403)
            done[i] = act_in(&whatif->lives[i], at, event, step, clock, instead);
    }
    if (!done[0].sent || done[0].refusal) {
        const Hb__Label *text = done[0].refusal ? done[0].refusal->text : NULL;
        const char *number = whatif->records[at].number ? whatif->records[at].number : "-";
        not_repeated(whatif, number, step, text ? text->zh : "没有该案件", text ? text->en : "there is no such case");
    }
    for (unsigned i = 0; i < LIVES; i++)
        if (done[i].refusal)
            lived_step_refused(whatif, i, at, step, event->recorded_ms, done[i].refusal);
}

/* What waits for a superior because of its amount was meant as the step that is limited. */
static const char *step_meant(const struct whatif *whatif, const struct record *record, const Hb__Event *event)
{
    const char *step = event->casework->step_taken->step;
    const Policy__Policy *policy = whatif_version(whatif, record->version);
    const Policy__Kind *kind = policy && record->stories[0].kind ? policy_kind(policy, record->stories[0].kind) : NULL;
    for (size_t i = 0; strcmp(step, "ask") == 0 && kind && i < kind->n_limits; i++)
        for (size_t f = 0; f < event->n_facts; f++)
            if (strcmp(event->facts[f]->name, kind->limits[i]->name) == 0)
                return kind->limits[i]->step;
    return step;
}

/* Both lives have as many versions under the same numbers (whatif_policy.c): a move goes to the newest of each. */
static void move_in(struct life *life, const Hb__Event *event)
{
    struct whatif *whatif = life->whatif;
    const Casework__MoveBegun *begun = event->casework->move_begun;
    life_run(life, event->recorded_ms);
    life_collect(life);
    Hb__Command *command = command_of(life, event);
    Casework__Move *move = WHATIF_NEW(life, Casework__Move, casework__move__init);
    move->kinds = begun->kinds;
    move->n_kinds = begun->n_kinds;
    for (size_t i = 0; i < begun->n_cases; i++) {
        size_t record = record_of_past(whatif, begun->cases[i]);
        uint64_t case_id = record ? whatif->records[record - 1].stories[life->which].case_id : 0;
        if (case_id)
            WHATIF_ADD(&life->arena, move->cases, move->n_cases, case_id);
    }
    if (begun->n_cases && !move->n_cases)
        return;
    command->actor->operator_ = true;
    command->payload_case = HB__COMMAND__PAYLOAD_CASEWORK;
    command->casework = WHATIF_NEW(life, Casework__Command, casework__command__init);
    command->casework->kind_case = CASEWORK__COMMAND__KIND_MOVE;
    command->casework->move = move;
    const Hb__CommandReply *reply = life_send(life, HB__SERVICE__CASEWORK, command);
    if (life->which == 0 && (!reply || reply->refused))
        not_repeated(whatif, whatif->site, "move", reply ? reply->refused->text->zh : "没有应答",
                     reply ? reply->refused->text->en : "no answer");
}

static void relive_casework(struct whatif *whatif, const Hb__Event *event)
{
    const Casework__Event *said = event->casework;
    size_t record = record_of_past(whatif, event->case_id);
    if (said->kind_case == CASEWORK__EVENT__KIND_MOVE_BEGUN) {
        whatif->deeds++;
        for (unsigned i = 0; i < LIVES; i++)
            move_in(&whatif->lives[i], event);
    }
    if (!record)
        return;
    if (said->kind_case == CASEWORK__EVENT__KIND_CASE_MOVED)
        whatif->records[record - 1].version = said->case_moved->to;
    if (said->kind_case == CASEWORK__EVENT__KIND_EXTENSION_GRANTED)
        take_step(whatif, record - 1, event, "extend", said->extension_granted->clock);
    if (said->kind_case != CASEWORK__EVENT__KIND_STEP_TAKEN || *said->step_taken->rule || said->step_taken->historic ||
        !event->actor || strcmp(said->step_taken->step, "extend") == 0)
        return;
    take_step(whatif, record - 1, event, step_meant(whatif, &whatif->records[record - 1], event), NULL);
}

/* ---- */

void relive(struct whatif *whatif, const Hb__Event *event)
{
    if (!whatif->turned && event->recorded_ms >= whatif->since_ms)
        relive_turn(whatif);
    bool here = strcmp(event->site, whatif->site) == 0;
    if (event->payload_case == HB__EVENT__PAYLOAD_DIRECTORY) {
        for (unsigned i = 0; i < LIVES; i++) {
            life_run(&whatif->lives[i], event->recorded_ms);
            arena_reset(&whatif->lives[i].arena);
        }
        relive_directory(whatif, event);
    } else if (here && event->payload_case == HB__EVENT__PAYLOAD_INTAKE &&
               event->intake->kind_case == INTAKE__EVENT__KIND_REGISTERED) {
        relive_registered(whatif, event);
    } else if (here && event->payload_case == HB__EVENT__PAYLOAD_CASEWORK) {
        relive_casework(whatif, event);
    }
}
