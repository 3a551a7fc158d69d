/* Folds what intake says, and of what it hears the requests for cases. */
#include "intake.h"

#include "organisation/organisation.h"
#include "policy/lookup.h"

static Hb__Sealed *sealed_place(const Intake__CaseRegistered *registered)
{
    for (size_t i = 0; i < registered->n_texts; i++)
        if (strcmp(registered->texts[i]->name, "place") == 0)
            return registered->texts[i]->text->sealed;
    return NULL;
}

static void keep_case(struct turn *turn, const Hb__Event *event, const Intake__CaseRegistered *registered)
{
    Intakerec__Case record = INTAKEREC__CASE__INIT;
    record.site = event->site;
    record.number = registered->number;
    record.kind = registered->kind;
    record.category = registered->category;
    record.place = registered->place;
    record.place_key = registered->place_key;
    record.place_box = sealed_place(registered);
    record.identity_key = registered->identity_key;
    record.content_key = registered->content_key;
    record.received_ms = event->occurred_ms;
    record.generation = event->generation;
    record.policy_version = event->policy_version;
    intake_case_save(turn, event->case_id, &record);
    intake_alike_save(turn, &record, event->case_id);
}

static void evolve_registered(struct turn *turn, const Hb__Event *event)
{
    const Intake__CaseRegistered *registered = event->intake->registered;
    keep_case(turn, event, registered);
    if (registered->held[0]) /* it has the id it was held under, and others came since */
        intake_held_over(turn, event->case_id);
    else
        intake_last_id_save(turn, case_id_bucket(event->case_id), event->case_id);
    intake_counter_save(turn, event->site, registered->counter, registered->count, event->epoch);
    intake_number_save(turn, event->site, registered->number, event->case_id);
    if (registered->external_id[0])
        intake_imported_save(turn, event->site, registered->source, registered->external_id, event->case_id,
                             event->offset);
    intake_key_save(turn, registered->identity_key, event->case_id);
    intake_key_save(turn, registered->content_key, event->case_id);
    intake_text_save(turn, event->case_id, event->offset, NULL, 0);
    const Policy__Policy *policy = organisation_policy(turn, event->site, event->policy_version);
    const Policy__Kind *kind = policy ? policy_kind(policy, registered->kind) : NULL;
    intake_identity_begin(turn, event, kind);
    turn_case_known(turn, event->case_id);
}

static void evolve_skipped(struct turn *turn, const Hb__Event *event)
{
    const Intake__NumbersSkipped *skipped = event->intake->numbers_skipped;
    if (intake_counter(turn, event->site, skipped->counter, NULL) < skipped->to)
        intake_counter_save(turn, event->site, skipped->counter, skipped->to, event->epoch);
}

static void evolve_own(struct turn *turn, const Hb__Event *event)
{
    switch (event->intake->kind_case) {
    case INTAKE__EVENT__KIND_REGISTERED:
        evolve_registered(turn, event);
        return;
    case INTAKE__EVENT__KIND_NUMBERS_SKIPPED:
        evolve_skipped(turn, event);
        return;
    case INTAKE__EVENT__KIND_HELD:
    case INTAKE__EVENT__KIND_HELD_REFUSED:
        intake_held_evolve(turn, event);
        return;
    case INTAKE__EVENT__KIND_HELD_REGISTERED:
    case INTAKE__EVENT__KIND_REQUEST_REFUSED:
    case INTAKE__EVENT__KIND_OPENED:
    case INTAKE__EVENT__KIND__NOT_SET:
        return;
    }
}

/* The first request with its identity counts; react answers that one and no other. */
static void evolve_request(struct turn *turn, const Hb__Event *event)
{
    const Casework__CaseRequested *request = event->casework->case_requested;
    if (!intake_request(turn, request))
        intake_request_save(turn, request, event_position(turn, event));
}

static void evolve_attached(struct turn *turn, const Hb__Event *event)
{
    const Casework__FileAttached *attached = event->casework->file_attached;
    Intakerec__File record = INTAKEREC__FILE__INIT;
    record.size = attached->size;
    record.digest = attached->digest;
    intake_file_save(turn, event->case_id, attached->file, &record);
}

/* Nobody is given it from here on; tidying drops its content. */
static void evolve_deleted(struct turn *turn, const Hb__Event *event)
{
    const Casework__StepTaken *taken = event->casework->step_taken;
    for (size_t i = 0; i < taken->n_deleted; i++) {
        Intakerec__File *file = intake_file_load(turn, event->case_id, taken->deleted[i]);
        if (!file)
            continue;
        file->deleted = true;
        intake_file_save(turn, event->case_id, taken->deleted[i], file);
    }
}

static void evolve_casework(struct turn *turn, const Hb__Event *event)
{
    switch (event->casework->kind_case) {
    case CASEWORK__EVENT__KIND_CASE_REQUESTED:
        evolve_request(turn, event);
        return;
    case CASEWORK__EVENT__KIND_FILE_ATTACHED:
        evolve_attached(turn, event);
        return;
    case CASEWORK__EVENT__KIND_STEP_TAKEN:
        intake_step_fold(turn, event, event->casework->step_taken);
        evolve_deleted(turn, event);
        return;
    case CASEWORK__EVENT__KIND_CASE_MOVED:
        intake_identity_moved(turn, event);
        return;
    case CASEWORK__EVENT__KIND_CASE_LINKED:
    case CASEWORK__EVENT__KIND_NOTICE_REQUESTED:
    case CASEWORK__EVENT__KIND_ESCALATION_REQUESTED:
    case CASEWORK__EVENT__KIND_ESCALATION_ACKNOWLEDGED:
    case CASEWORK__EVENT__KIND_DOCUMENT_ISSUED:
    case CASEWORK__EVENT__KIND_ACTION_REFUSED:
    case CASEWORK__EVENT__KIND_PROBLEM_NOTED:
    case CASEWORK__EVENT__KIND_PROBLEMS_SETTLED:
    case CASEWORK__EVENT__KIND_HISTORY_ENDED:
    case CASEWORK__EVENT__KIND_EXTENSION_GRANTED:
    case CASEWORK__EVENT__KIND_ASSIGN_REQUESTED:
    case CASEWORK__EVENT__KIND_MARK_REQUESTED:
    case CASEWORK__EVENT__KIND_CASE_MOVE_REFUSED:
    case CASEWORK__EVENT__KIND_MOVE_BEGUN:
    case CASEWORK__EVENT__KIND_MOVE_ENDED:
    case CASEWORK__EVENT__KIND__NOT_SET:
        return;
    }
}

void intake_evolve(struct turn *turn, const Hb__Event *event)
{
    if (event->case_id && event->payload_case != HB__EVENT__PAYLOAD_INTAKE)
        intake_identity_fold(turn, event);
    switch (event->payload_case) {
    case HB__EVENT__PAYLOAD_INTAKE:
        evolve_own(turn, event);
        return;
    case HB__EVENT__PAYLOAD_CASEWORK:
        evolve_casework(turn, event);
        return;
    case HB__EVENT__PAYLOAD_DIRECTORY: /* the runtime folds the organisation */
    case HB__EVENT__PAYLOAD_ROUTING:
    case HB__EVENT__PAYLOAD_WATCHDOG:
    case HB__EVENT__PAYLOAD_ESCALATION:
    case HB__EVENT__PAYLOAD_NOTIFICATION:
    case HB__EVENT__PAYLOAD_ANALYTICS:
    case HB__EVENT__PAYLOAD_LOG_FORKED:
    case HB__EVENT__PAYLOAD_TOY:
    case HB__EVENT__PAYLOAD__NOT_SET:
        return;
    }
}
