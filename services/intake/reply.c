/* Replies to accepted commands, made again from what was said (and, for texts and codes, from the vault). */
#include "intake.h"

#include "vault/vault.h"

static const Hb__Event *find(Hb__Event *const *said, unsigned count, Intake__Event__KindCase kind)
{
    for (unsigned i = 0; i < count; i++)
        if (said[i]->payload_case == HB__EVENT__PAYLOAD_INTAKE && said[i]->intake->kind_case == kind)
            return said[i];
    return NULL;
}

static char *tracking_code(struct turn *turn, const char *number, uint64_t case_id)
{
    char code[VAULT_TRACKING_CHARACTERS + 1];
    vault_tracking_code(turn_vault(turn), case_id, code);
    return arena_printf(turn_arena(turn), "%s-%s", number, code);
}

static char **numbers_of(struct turn *turn, const uint64_t *cases, size_t count, size_t *count_out)
{
    char **numbers = arena_alloc(turn_arena(turn), (count + 1) * sizeof *numbers);
    *count_out = 0;
    for (size_t i = 0; i < count; i++) {
        const Intakerec__Case *record = intake_case_load(turn, cases[i]);
        if (record)
            numbers[(*count_out)++] = record->number;
    }
    return numbers;
}

static void reply_registered(struct turn *turn, const Hb__Event *event, Intake__Submitted *submitted)
{
    const Intake__CaseRegistered *registered = event->intake->registered;
    submitted->site = event->site;
    submitted->number = registered->number;
    submitted->offset = event->offset;
    if (!registered->held[0]) /* else its sender has it, and whoever let it in need not */
        submitted->tracking_code = tracking_code(turn, registered->number, event->case_id);
    submitted->promised = registered->promised;
    submitted->n_promised = registered->n_promised;
    submitted->alike = numbers_of(turn, registered->alike, registered->n_alike, &submitted->n_alike);
    submitted->alike_ids = registered->alike;
    submitted->n_alike_ids = registered->n_alike;
    submitted->stage = registered->stage;
}

static void reply_held(struct turn *turn, const Intake__SubmissionHeld *held, Intake__Submitted *submitted)
{
    submitted->held = true;
    submitted->number = held->number;
    submitted->tracking_code = tracking_code(turn, held->number, held->held);
}

/* An import that said nothing: the case was there already. */
static uint64_t reply_existed(struct turn *turn, const Hb__Command *command, Intake__Submitted *submitted)
{
    const Intake__Import *import = command->intake->import;
    uint64_t offset;
    uint64_t case_id = intake_imported(turn, command->site, import->source, import->external_id, &offset);
    const Hb__Event *registered = turn_own_event(turn, offset);
    const Intakerec__Case *record = case_id ? intake_case_load(turn, case_id) : NULL;
    if (!record || intake_import_hidden(turn, registered, command->actor))
        return 0;
    submitted->existed = true;
    submitted->number = record->number;
    submitted->tracking_code = tracking_code(turn, record->number, case_id);
    if (registered)
        intake_import_differs(turn, registered, import, submitted);
    return case_id;
}

static void reply_submitted(struct turn *turn, const Hb__Command *command, Hb__Event *const *said, unsigned count,
                            Hb__CommandReply *reply)
{
    const Hb__Event *registered = find(said, count, INTAKE__EVENT__KIND_REGISTERED);
    const Hb__Event *held = find(said, count, INTAKE__EVENT__KIND_HELD);
    Intake__Submitted *submitted = arena_alloc(turn_arena(turn), sizeof *submitted);
    intake__submitted__init(submitted);
    bool import = command->intake->kind_case == INTAKE__COMMAND__KIND_IMPORT;
    if (registered && (!import || !intake_import_hidden(turn, registered, command->actor))) {
        reply_registered(turn, registered, submitted);
        reply->case_id = registered->case_id;
    } else if (held) {
        reply_held(turn, held->intake->held, submitted);
    } else if (import && registered) {
        reply->case_id = 0; /* as of one that was there */
    } else if (import) {
        reply->case_id = reply_existed(turn, command, submitted);
    }
    reply->payload_case = HB__COMMAND_REPLY__PAYLOAD_SUBMITTED;
    reply->submitted = submitted;
}

static bool is_withheld(const Intake__DataOpened *opened, const Hb__Sealed *box)
{
    bool key = false, field = false;
    for (size_t i = 0; i < opened->n_withheld_keys; i++)
        key = key || opened->withheld_keys[i] == box->key_id;
    for (size_t i = 0; i < opened->n_withheld; i++)
        field = field || strcmp(opened->withheld[i], box->field) == 0;
    return key && field;
}

/* What was said when the box was withheld; NULL: it was not. */
static const Hb__Event *withheld_by(Hb__Event *const *said, unsigned count, const Hb__Sealed *box)
{
    for (unsigned i = 0; i < count; i++)
        if (is_withheld(said[i]->intake->opened, box))
            return said[i];
    return NULL;
}

static Hb__Refusal *staffs_own(struct turn *turn, const char *field)
{
    Hb__Refusal *refusal = arena_alloc(turn_arena(turn), sizeof *refusal);
    hb__refusal__init(refusal);
    refusal->status = 403;
    refusal->code = "not_allowed";
    refusal->text =
        label_new(turn, "制度未规定向投诉人公开该内容", "the policy does not show this text to the complainant");
    refusal_field(turn, refusal, field);
    return refusal;
}

/* What is masked is withheld of confidential cases only; who may not see the identity for a purpose either, hears that
   when one is given. */
static Hb__Refusal *reason_of(struct turn *turn, const Hb__Command *command, const Hb__Sealed *box, uint64_t case_id)
{
    if (intake_actor(command)->complainant)
        return staffs_own(turn, box->field);
    return command->intake->open->masked ? intake_purpose_reason(turn)
                                         : intake_identity_reason(turn, case_id, box->field);
}

static void withhold(struct turn *turn, const Hb__Command *command, const Hb__Sealed *box, uint64_t case_id,
                     Intake__Opened *opened)
{
    opened->withheld[opened->n_texts] = true;
    if (!opened->unopened)
        opened->unopened = reason_of(turn, command, box, case_id);
}

/* What was recorded counts: a command that comes again shows no more than it did. */
static bool is_masked(const Intake__Open *open, Hb__Event *const *said, unsigned count)
{
    bool masked = open->masked;
    for (unsigned i = 0; i < count; i++)
        masked = masked || said[i]->intake->opened->masked;
    return masked;
}

static char *shown(struct turn *turn, const Hb__Sealed *box, char *text, bool masked, Intake__Opened *opened)
{
    char *part = masked ? intake_masked(turn, box, text) : text;
    opened->masked = opened->masked || part != text;
    return part;
}

static void reply_opened(struct turn *turn, const Hb__Command *command, Hb__Event *const *said, unsigned count,
                         Hb__CommandReply *reply)
{
    const Intake__Open *open = command->intake->open;
    Intake__Opened *opened = arena_alloc(turn_arena(turn), sizeof *opened);
    intake__opened__init(opened);
    opened->texts = arena_alloc(turn_arena(turn), (open->n_boxes + 1) * sizeof *opened->texts);
    opened->gone = arena_alloc(turn_arena(turn), (open->n_boxes + 1) * sizeof *opened->gone);
    opened->withheld = arena_zero(turn_arena(turn), (open->n_boxes + 1) * sizeof *opened->withheld);
    opened->n_withheld = open->n_boxes;
    bool masked = is_masked(open, said, count);
    for (size_t i = 0; i < open->n_boxes; i++) {
        char *text = "";
        const Hb__Event *withheld = withheld_by(said, count, open->boxes[i]);
        if (withheld) {
            withhold(turn, command, open->boxes[i], withheld->case_id, opened);
        } else if (vault_open(turn_vault(turn), open->boxes[i], turn_arena(turn), &text)) {
            text = "";
            opened->gone[opened->n_gone++] = open->boxes[i]->field;
        }
        opened->texts[opened->n_texts++] = shown(turn, open->boxes[i], text, masked, opened);
    }
    opened->opened_at = count ? said[count - 1]->offset : 0;
    reply->payload_case = HB__COMMAND_REPLY__PAYLOAD_OPENED;
    reply->opened = opened;
}

void intake_reply(struct turn *turn, const Hb__Command *command, Hb__Event *const *said, unsigned count,
                  Hb__CommandReply *reply)
{
    if (command->payload_case != HB__COMMAND__PAYLOAD_INTAKE)
        return;
    switch (command->intake->kind_case) {
    case INTAKE__COMMAND__KIND_SUBMIT:
    case INTAKE__COMMAND__KIND_IMPORT:
    case INTAKE__COMMAND__KIND_REGISTER_HELD:
        reply_submitted(turn, command, said, count, reply);
        return;
    case INTAKE__COMMAND__KIND_OPEN:
        reply_opened(turn, command, said, count, reply);
        return;
    case INTAKE__COMMAND__KIND_SEARCH:
        intake_search_reply(turn, command, command->intake->search, reply);
        return;
    case INTAKE__COMMAND__KIND_EXPORT:
    case INTAKE__COMMAND__KIND_REFUSE_HELD:
    case INTAKE__COMMAND__KIND__NOT_SET:
        return;
    }
}
