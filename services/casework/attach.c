/* Files of a case. Their contents are intake's; here is decided who may add one, and the file says that it was. The
   policy gives the right: a `may` of the kind with `do: attach_file`; where none does, nobody may. */
#include "casework.h"

static const char act_name[] = "attach_file";

static bool names_act(const Policy__May *may)
{
    for (size_t i = 0; i < may->n_acts; i++)
        if (strcmp(may->acts[i], act_name) == 0)
            return true;
    return false;
}

static bool permitted(const struct casework_case *one, const Hb__Actor *actor)
{
    for (size_t i = 0; i < one->kind->n_may; i++) {
        const Policy__May *may = one->kind->may[i];
        if (names_act(may) && case_holds(&one->view, may->condition, NULL) == TRUTH_YES &&
            who_includes(one->view.turn, one->record->site, may->who, may->n_who, &one->facts, actor))
            return true;
    }
    return false;
}

/* In his own right, else for somebody who has lent him theirs. NULL: not at all. */
static const Hb__Actor *standing(const struct casework_case *one, const Hb__Actor *actor)
{
    if (actor && actor->operator_)
        return actor;
    if (!actor || !*actor->person || permitted(one, actor))
        return actor && permitted(one, actor) ? actor : NULL;
    for (const Directory__Person **from = organisation_principals(one->view.turn, actor->person); *from; from++) {
        const Hb__Actor *lent = casework_standing_for(one, actor, *from);
        if (permitted(one, lent))
            return lent;
    }
    return NULL;
}

static void refuse_right(const struct casework_case *one)
{
    struct turn *turn = one->view.turn;
    const Policy__May *told = NULL;
    for (size_t i = 0; i < one->kind->n_may && !told; i++)
        told = names_act(one->kind->may[i]) ? one->kind->may[i] : NULL;
    struct arena *arena = turn_arena(turn);
    Hb__Refusal *refusal = turn_refuse(
        turn, 403, "not_allowed",
        told ? arena_printf(arena, "只有%s可附文件", casework_whos_text(one, told->who, told->n_who, false))
             : "制度未规定谁可附文件",
        told ? arena_printf(arena, "only %s may attach files", casework_whos_text(one, told->who, told->n_who, true))
             : "the policy lets nobody attach files to this kind");
    for (size_t i = 0; told && i < told->n_clauses; i++)
        refusal_clause(turn, refusal, told->clauses[i]);
}

static void refuse_bound(const struct casework_case *one, const char *accepted, const char *zh, const char *en)
{
    refusal_accepts(one->view.turn, turn_refuse(one->view.turn, 413, "too_large", zh, en), accepted);
}

static uint64_t bytes_of_files(const Caserec__Case *record)
{
    uint64_t bytes = 0;
    for (size_t i = 0; i < record->n_attachments; i++)
        if (!record->attachments[i]->deleted_ms)
            bytes += record->attachments[i]->size;
    return bytes;
}

bool casework_attach_bar(const struct casework_case *one, const Hb__Actor *actor, uint64_t size)
{
    struct turn *turn = one->view.turn;
    const Caserec__Case *record = one->record;
    const char *clause = NULL;
    if (record->phase == POLICY__PHASE__ARCHIVED)
        turn_refuse(turn, 409, "archived", "案件已归档，不能再附文件",
                    "the case is archived: no file may be added to it any more");
    else if (!standing(one, actor))
        refuse_right(one);
    else if (case_forbidden(&one->view, one->kind, act_name, actor, &clause))
        refusal_clause(
            turn, turn_refuse(turn, 403, "not_allowed", "制度规定您须回避", "the policy excludes you from this case"),
            clause ? clause : "");
    else if (size > CASEWORK_FILE_BYTES_MAX)
        refuse_bound(one, "10485760", "每个文件最大 10 MiB", "a file has at most 10 MiB");
    else if (record->n_attachments >= CASEWORK_FILES_MAX)
        refuse_bound(one, "50", "每个案件最多 50 个文件", "a case has at most 50 files");
    else if (bytes_of_files(record) + size > CASEWORK_FILES_BYTES_MAX)
        refuse_bound(one, "104857600", "每个案件的文件合计最大 100 MiB",
                     "the files of a case have at most 100 MiB in all");
    return !turn_refused(turn);
}

bool casework_may_attach(struct turn *turn, const struct casework_case *one, const Hb__Actor *actor)
{
    bool account = actor && (actor->complainant || rights_may(turn, actor, "act", one->record->site) ||
                             rights_may(turn, actor, "submit", one->record->site));
    return account && one->record->phase != POLICY__PHASE__ARCHIVED && standing(one, actor) &&
           !case_forbidden(&one->view, one->kind, act_name, actor, NULL) &&
           one->record->n_attachments < CASEWORK_FILES_MAX && bytes_of_files(one->record) < CASEWORK_FILES_BYTES_MAX;
}

/* ---- the command ---- */

static bool is_file_id(const char *file)
{
    return strlen(file) == CASEWORK_FILE_ID_CHARACTERS &&
           strspn(file, "0123456789abcdef") == CASEWORK_FILE_ID_CHARACTERS;
}

void casework_check_file(struct turn *turn, const struct casework_case *one, const Hb__Field *field, const char *path)
{
    bool given = field->content_case == HB__FIELD__CONTENT_VALUE && field->value->kind_case == HB__VALUE__KIND_TEXT;
    bool there = !given || !is_file_id(field->value->text);
    for (size_t i = 0; i < one->record->n_attachments && !there; i++)
        there = strcmp(one->record->attachments[i]->file, field->value->text) == 0 &&
                !one->record->attachments[i]->deleted_ms;
    if (there)
        return;
    Hb__Refusal *refusal = turn_refuse(turn, 422, "bad_field", "本案没有这个文件", "the case has no such file");
    refusal_field(turn, refusal, path);
    for (size_t i = 0; i < one->record->n_attachments; i++)
        if (!one->record->attachments[i]->deleted_ms)
            refusal_accepts(turn, refusal, one->record->attachments[i]->file);
}

void casework_prepare_attach(struct turn *turn, const Casework__Attach *attach)
{
    const Hb__Personal *name = attach->file_name;
    const char *wrong = !is_file_id(attach->file)                                         ? "file"
                        : !*attach->type || strlen(attach->type) > CASEWORK_FILE_TYPE_MAX ? "type"
                        : !attach->size                                                   ? "size"
                        : attach->digest.len != CASEWORK_FILE_DIGEST_BYTES                ? "digest"
                        : !name || name->kind_case != HB__PERSONAL__KIND_PLAIN || !*name->plain ||
                                strlen(name->plain) > CASEWORK_FILE_NAME_MAX
                            ? "file_name"
                            : NULL;
    if (wrong)
        refusal_field(
            turn, turn_refuse(turn, 422, "bad_field", "附件信息不全或不符", "what is said of the file is not whole"),
            wrong);
}

void casework_decide_attach(struct turn *turn, const Hb__Command *command, struct casework_case *one)
{
    const Casework__Attach *attach = command->casework->attach;
    if (!casework_account_may(one, command->actor, true) || !casework_attach_bar(one, command->actor, attach->size))
        return;
    for (size_t i = 0; i < one->record->n_attachments; i++)
        if (strcmp(one->record->attachments[i]->file, attach->file) == 0) {
            turn_refuse(turn, 409, "exists", "该文件已附上", "this file is attached already");
            return;
        }
    Casework__FileAttached *attached = TURN_NEW(turn, Casework__FileAttached, casework__file_attached__init);
    attached->file = attach->file;
    attached->file_name = attach->file_name;
    attached->type = attach->type;
    attached->size = attach->size;
    attached->digest = attach->digest;
    Hb__Event *event = casework_event(turn, one, CASEWORK__EVENT__KIND_FILE_ATTACHED, attached);
    for (size_t i = 0; i < one->kind->n_may; i++)
        if (names_act(one->kind->may[i]))
            event_clauses(turn, event, one->kind->may[i]->clauses, one->kind->may[i]->n_clauses);
    turn_say(turn, event);
}

/* ---- what it makes of the case ---- */

void casework_file_attached(struct turn *turn, Caserec__Case *record, const Hb__Event *event)
{
    const Casework__FileAttached *attached = event->casework->file_attached;
    Casework__Attachment *row = TURN_NEW(turn, Casework__Attachment, casework__attachment__init);
    row->file = attached->file;
    row->file_name = attached->file_name;
    row->type = attached->type;
    row->size = attached->size;
    row->at_ms = event->occurred_ms;
    if (event->actor) {
        row->person = event->actor->person;
        row->complainant = event->actor->complainant;
    }
    TURN_ADD(turn, record->attachments, record->n_attachments, row);
}

void casework_files_deleted(Caserec__Case *record, const Hb__Event *event)
{
    const Casework__StepTaken *taken = event->casework->step_taken;
    for (size_t d = 0; d < taken->n_deleted && d < taken->n_deleted_from; d++)
        for (size_t i = 0; i < record->n_attachments; i++) {
            Casework__Attachment *row = record->attachments[i];
            if (strcmp(row->file, taken->deleted[d]) != 0)
                continue;
            row->deleted_ms = event->occurred_ms;
            row->deleted_from = taken->deleted_from[d];
            row->deleted_under = event->clauses;
            row->n_deleted_under = event->n_clauses;
        }
}

void casework_answer_may_attach(struct turn *turn, const Hb__Query *query, struct casework_case *one,
                                Casework__Reply *reply)
{
    if (!casework_account_may(one, query->actor, true) ||
        !casework_attach_bar(one, query->actor, query->casework->may_attach->size))
        return;
    reply->kind_case = CASEWORK__REPLY__KIND_ATTACHABLE;
    reply->attachable = TURN_NEW(turn, Casework__Attachable, casework__attachable__init);
    reply->attachable->files_left = (uint32_t)(CASEWORK_FILES_MAX - one->record->n_attachments);
    reply->attachable->bytes_left = CASEWORK_FILES_BYTES_MAX - bytes_of_files(one->record);
}
