/* Opening sealed data: who may, and the record that it was opened. The texts themselves are in the reply only. */
#include "files.h"

#include "organisation/organisation.h"
#include "policy/lookup.h"

/* ---- what a complainant may have opened of his case ---- */

static bool asks_complainant(const Policy__Step *step, const char *field)
{
    bool his = false, asks = false;
    for (size_t i = 0; i < step->n_by; i++)
        his = his || (step->by[i]->n_of == 0 &&
                      (strcmp(step->by[i]->root, "complainant") == 0 || strcmp(step->by[i]->root, "anyone") == 0));
    for (size_t i = 0; i < step->n_needs; i++)
        asks = asks || strcmp(step->needs[i]->name, field) == 0;
    for (size_t i = 0; i < step->n_fields; i++)
        asks = asks || strcmp(step->fields[i], field) == 0;
    return his && asks;
}

static bool goes_out(const Policy__Policy *policy, const char *field)
{
    for (size_t i = 0; i < policy->n_documents; i++)
        if (strcmp(policy->documents[i]->of, field) == 0 && strcmp(policy->documents[i]->class_, "public") == 0)
            return true;
    return false;
}

/* A text that is ever shown to a complainant, or that he writes: when, casework says, which alone knows how the case
   stands. Notes and findings are neither, whoever has got hold of their boxes. */
static bool is_his_to_read(struct turn *turn, const Intakerec__Case *own, const char *field)
{
    const Policy__Policy *policy = organisation_policy(turn, own->site, own->policy_version);
    const Policy__Kind *kind = policy ? policy_kind(policy, own->kind) : NULL;
    const Policy__FieldDef *def = kind ? policy_field(kind, field) : NULL;
    bool his = strcmp(field, "text") == 0 || strcmp(field, "place") == 0 || strcmp(field, "file_name") == 0 ||
               (def && def->public_) || (kind && goes_out(policy, field));
    for (size_t i = 0; kind && i < kind->n_may && !his; i++)
        his = policy_lets_complainant_see(kind->may[i], field);
    for (size_t i = 0; kind && i < kind->n_steps && !his; i++)
        his = asks_complainant(kind->steps[i], field);
    return his;
}

/* ---- who may ---- */

/* Notification opens what it sends, acting for nobody: no account, no person, no tracking code. */
static bool is_system(const Hb__Actor *actor)
{
    return !actor->account[0] && !actor->person[0] && !actor->complainant && !actor->operator_;
}

/* The complainant may ask for what is sealed under the keys of the very case whose tracking code was given, or was
   copied to it; staff for what belongs to cases of sites where they hold the right. Of it some is withheld (below). */
static bool may_open(struct turn *turn, const Hb__Command *command, uint64_t owner, const Hb__Sealed *box)
{
    const Hb__Actor *actor = intake_actor(command);
    const Intakerec__Held *held = intake_held_load(turn, owner);
    if (is_system(actor))
        return true;
    if (held)
        return intake_held_may_open(turn, command, owner, held, box->key_id);
    if (actor->complainant) {
        const Intakerec__Case *own = command->case_id ? intake_case_load(turn, command->case_id) : NULL;
        return own && (box->key_id == own->identity_key || box->key_id == own->content_key ||
                       intake_lent(turn, command->case_id, box));
    }
    const Intakerec__Case *record = intake_case_load(turn, owner);
    return record && rights_may(turn, actor, "open", record->site);
}

/* What is opened of one case: one event each, so that every file shows who looked into it. */
struct opening {
    struct turn *turn;
    uint64_t cases[TURN_TARGETS_MAX];
    Intake__DataOpened opened[TURN_TARGETS_MAX];
    size_t count;
};

static void add_key(struct turn *turn, uint64_t **keys, size_t *count, uint64_t key_id)
{
    for (size_t i = 0; i < *count; i++)
        if ((*keys)[i] == key_id)
            return;
    *keys = arena_grow(turn_arena(turn), *keys, *count, sizeof **keys);
    (*keys)[(*count)++] = key_id;
}

static void add_field(struct turn *turn, char ***fields, size_t *count, char *field)
{
    for (size_t i = 0; i < *count; i++)
        if (strcmp((*fields)[i], field) == 0)
            return;
    *fields = arena_grow(turn_arena(turn), *fields, *count, sizeof **fields);
    (*fields)[(*count)++] = field;
}

/* NULL: of too many cases. */
static Intake__DataOpened *opened_of(struct opening *opening, uint64_t case_id)
{
    size_t at = 0;
    while (at < opening->count && opening->cases[at] != case_id)
        at++;
    if (at == TURN_TARGETS_MAX)
        return NULL;
    if (at == opening->count) {
        opening->cases[opening->count++] = case_id;
        intake__data_opened__init(&opening->opened[at]);
    }
    return &opening->opened[at];
}

static void note_box(struct turn *turn, Intake__DataOpened *opened, const Hb__Sealed *box, bool withheld)
{
    if (withheld) {
        add_key(turn, &opened->withheld_keys, &opened->n_withheld_keys, box->key_id);
        add_field(turn, &opened->withheld, &opened->n_withheld, box->field);
    } else {
        add_key(turn, &opened->keys, &opened->n_keys, box->key_id);
        add_field(turn, &opened->fields, &opened->n_fields, box->field);
    }
}

/* Sealed for a confidential case, opened for one, or lent to one. */
static bool is_confidential(struct turn *turn, const Hb__Command *command, const Hb__Sealed *box, uint64_t case_id)
{
    return intake_is_confidential(turn, intake_key_case(turn, box->key_id)) || intake_is_confidential(turn, case_id) ||
           (intake_lent(turn, command->case_id, box) && intake_is_confidential(turn, command->case_id));
}

/* From staff: an identity that the policy keeps from them, and whatever is confidential while nobody has said what for;
   from a complainant what is not his to read of his own case. Casework judges by the version that the case went by
   then, here it is the one of now: what the two see differently costs him that text, not the page. */
static bool is_withheld(struct turn *turn, const Hb__Command *command, const Hb__Sealed *box, uint64_t case_id)
{
    const Hb__Actor *actor = intake_actor(command);
    if (actor->complainant) {
        const Intakerec__Case *own = intake_case_load(turn, command->case_id);
        return own && box->key_id == own->content_key && !is_his_to_read(turn, own, box->field) &&
               !intake_lent(turn, command->case_id, box);
    }
    return !is_system(actor) &&
           ((command->intake->open->masked && is_confidential(turn, command, box, case_id)) ||
            intake_identity_withheld(turn, actor, intake_key_case(turn, box->key_id), box->key_id));
}

static void refuse_box(struct turn *turn, size_t at, bool known)
{
    Hb__Refusal *refusal =
        known ? turn_refuse(turn, 403, "not_allowed", "无权查看该密封内容", "no right to open this sealed text")
              : turn_refuse(turn, 404, "not_found", "没有该密封内容所属的案件",
                            "there is no case this sealed text belongs to");
    refusal_field(turn, refusal, arena_printf(turn_arena(turn), "boxes[%zu]", at));
}

static bool check_shape(struct turn *turn, const Intake__Open *open)
{
    Hb__Refusal *refusal = NULL;
    if (open->n_files > INTAKE_OPEN_FILES_MAX) {
        refusal = turn_refuse(turn, 413, "too_large", "一次最多打开 50 个文件", "at most 50 files at a time");
        refusal_field(turn, refusal, "files");
    } else if (open->masked && open->n_files) {
        refusal = turn_refuse(turn, 422, "bad_field", "文件无法遮盖", "files cannot be masked");
        refusal_field(turn, refusal, "files");
    } else if (open->n_boxes > INTAKE_OPEN_BOXES_MAX) {
        refusal = turn_refuse(turn, 413, "too_large", "一次最多打开 1000 项", "at most 1000 texts at a time");
        refusal_field(turn, refusal, "boxes");
    } else if (!open->purpose[strspn(open->purpose, " \t\r\n")] || strlen(open->purpose) > INTAKE_NAME_BYTES_MAX) {
        refusal = turn_refuse(turn, 422, "missing_field", "须说明查看目的（200 字节以内）",
                              "say for what purpose (at most 200 bytes)");
        refusal_field(turn, refusal, "purpose");
    }
    return !refusal;
}

static bool is_key_of(struct turn *turn, uint64_t case_id, uint64_t key_id)
{
    const Intakerec__Case *record = case_id ? intake_case_load(turn, case_id) : NULL;
    return record && (key_id == record->identity_key || key_id == record->content_key);
}

/* The case a box is opened for: the one that the command names, where its keys seal it (a case that a rule opened
   shares those of the case it came from), else the one it was sealed for. 0 after refusing. */
static uint64_t case_of_box(struct turn *turn, const Hb__Command *command, const Hb__Sealed *box, size_t at)
{
    uint64_t owner = intake_key_case(turn, box->key_id);
    if (!owner || !may_open(turn, command, owner, box)) {
        refuse_box(turn, at, owner != 0);
        return 0;
    }
    return is_key_of(turn, command->case_id, box->key_id) ? command->case_id : owner;
}

static bool gather(struct opening *opening, const Hb__Command *command, const Intake__Open *open)
{
    struct turn *turn = opening->turn;
    for (size_t i = 0; i < open->n_boxes; i++) {
        uint64_t case_id = case_of_box(turn, command, open->boxes[i], i);
        Intake__DataOpened *opened = case_id ? opened_of(opening, case_id) : NULL;
        if (case_id && !opened) {
            Hb__Refusal *refusal = turn_refuse(turn, 413, "too_large", "一次最多打开 16 个案件的内容",
                                               "texts of at most 16 cases at a time");
            refusal_field(turn, refusal, arena_printf(turn_arena(turn), "boxes[%zu]", i));
        }
        if (!opened)
            return false;
        note_box(turn, opened, open->boxes[i], is_withheld(turn, command, open->boxes[i], case_id));
        opened->purpose = open->purpose;
        opened->masked = open->masked;
    }
    return true;
}

/* Files of the case that the command names. Whether they are there is seen when they are read. */
static bool gather_files(struct opening *opening, const Hb__Command *command, const Intake__Open *open)
{
    struct turn *turn = opening->turn;
    const Intakerec__Case *record = command->case_id ? intake_case_load(turn, command->case_id) : NULL;
    for (size_t i = 0; i < open->n_files; i++) {
        char *path = arena_printf(turn_arena(turn), "files[%zu]", i);
        Hb__Sealed of_case = HB__SEALED__INIT;
        of_case.field = "file_name";
        of_case.key_id = record ? record->content_key : 0;
        if (!files_id_sound(open->files[i]))
            refusal_field(
                turn, turn_refuse(turn, 422, "bad_field", "文件编号须为 32 位十六进制数", "a file has 32 hex digits"),
                path);
        else if (!record)
            refusal_field(turn, turn_refuse(turn, 404, "not_found", "没有这个案件", "there is no such case"), path);
        else if (!may_open(turn, command, command->case_id, &of_case))
            refusal_field(turn, turn_refuse(turn, 403, "not_allowed", "无权查看该文件", "no right to open this file"),
                          path);
        if (turn_refused(turn))
            return false;
        Intake__DataOpened *opened = opened_of(opening, command->case_id);
        if (!opened) {
            turn_refuse(turn, 413, "too_large", "一次最多打开 16 个案件的内容", "texts of at most 16 cases at a time");
            return false;
        }
        add_key(turn, &opened->keys, &opened->n_keys, record->content_key);
        add_field(turn, &opened->files, &opened->n_files, open->files[i]);
        opened->purpose = open->purpose;
    }
    return true;
}

static Hb__Event *opened_event(struct turn *turn, uint64_t case_id, Intake__DataOpened *opened)
{
    const Intakerec__Case *record = intake_case_load(turn, case_id);
    const Intakerec__Held *held = record ? NULL : intake_held_load(turn, case_id);
    Hb__Event *event = turn_event(turn, record ? record->site : held ? held->site : "", held ? 0 : case_id);
    if (held)
        opened->held = held->number;
    event->payload_case = HB__EVENT__PAYLOAD_INTAKE;
    event->intake = arena_alloc(turn_arena(turn), sizeof *event->intake);
    intake__event__init(event->intake);
    event->intake->kind_case = INTAKE__EVENT__KIND_OPENED;
    event->intake->opened = opened;
    return event;
}

void intake_decide_open(struct turn *turn, const Hb__Command *command, const Intake__Open *open)
{
    struct opening *opening = arena_zero(turn_arena(turn), sizeof *opening);
    opening->turn = turn;
    if (!check_shape(turn, open) || !gather(opening, command, open) || !gather_files(opening, command, open))
        return;
    Hb__Event *events[TURN_TARGETS_MAX];
    for (size_t i = 0; i < opening->count; i++) {
        events[i] = opened_event(turn, opening->cases[i], &opening->opened[i]);
        if (hb__event__get_packed_size(events[i]) > INTAKE_EVENT_BYTES_MAX) {
            turn_refuse(turn, 413, "too_large", "字段名过长", "the names of the fields are too long");
            return;
        }
    }
    for (size_t i = 0; i < opening->count; i++)
        turn_say(turn, events[i]);
}
