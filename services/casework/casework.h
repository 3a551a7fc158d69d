/* casework: the case file (案卷) and every human action on a registered case. */
#ifndef HEARBACK_CASEWORK_H
#define HEARBACK_CASEWORK_H

#include "hearback/record/casework.pb-c.h"
#include "organisation/conditions.h"
#include "policy/lookup.h"
#include "service/service.h"

#define CASEWORK_GENERATION_MAX 8u
#define CASEWORK_TEXT_BYTES_MAX 60000u /* 20,000 characters of a field or note */
#define CASEWORK_FIELDS_MAX 64u
#define CASEWORK_ACT_BYTES_MAX (96u << 10) /* of one action: the log takes no event above 128 KiB */
#define CASEWORK_TIMELINE_MAX 200u
/* Of a page; the event that passes it is its last. All its texts must fit into one request to open them. */
#define CASEWORK_TIMELINE_BYTES_MAX (512u << 10)
#define CASEWORK_OWN_EVENTS_MAX 2000u /* later ones the complainant is not told of */
#define CASEWORK_OWN_TEXTS_MAX 200u   /* of all that was said to him or by him, the newest */
#define CASEWORK_OWN_TEXTS_BYTES_MAX                                                                                   \
    (512u << 10) /* with what he wrote at first and file names: one Open has room for them (BUS_REQUEST_BYTES_MAX) */
#define CASEWORK_REFUSAL_THROTTLE_MS 60000
#define CASEWORK_FOLLOWERS_MAX 64u              /* of one case under one link: its answer becomes a step of each */
#define CASEWORK_CITING_MAX 1000u               /* of one case, by cases that do not follow it */
#define CASEWORK_FILES_MAX 50u                  /* of a case */
#define CASEWORK_FILES_BYTES_MAX (100ull << 20) /* of a case, together */
#define CASEWORK_FILE_BYTES_MAX (10ull << 20)
#define CASEWORK_FILE_ID_CHARACTERS 32u
#define CASEWORK_FILE_DIGEST_BYTES 32u
#define CASEWORK_FILE_TYPE_MAX 100u
#define CASEWORK_FILE_NAME_MAX 255u

extern const struct service casework_service;

enum casework_table { CASEWORK_CASE, CASEWORK_FILE, CASEWORK_FIRED, CASEWORK_THROTTLE, CASEWORK_NUMBER, CASEWORK_MOVE };
extern const char *const casework_tables[];

/* One case as its rules see it. Lives in the turn's arena. */
struct casework_case {
    uint64_t id;
    Caserec__Case *record;
    struct facts facts;
    size_t documents_before; /* those on it when it was opened: what came since was issued in this very reaction */
    const Policy__Policy *policy;
    const Policy__Kind *kind;
    struct case_view view;
};

/* things.c: the cases that name an entry of a register. */
void casework_answer_history(struct turn *turn, const Hb__Query *query, Hb__QueryReply *reply);

/* tables.c */
Caserec__Case *casework_load(struct turn *turn, uint64_t case_id);
void casework_save(struct turn *turn, uint64_t case_id, Caserec__Case *record);
bool casework_open(struct turn *turn, uint64_t case_id,
                   struct casework_case *out); /* false: unknown, or its policy is */
/* The same for whoever asks for it or acts on it (NULL: nobody). False: refused, in the same words whether there is no
   such case or it is hidden from the actor. */
bool casework_open_for(struct turn *turn, uint64_t case_id, const Hb__Actor *actor, struct casework_case *out);
void casework_refuse_unknown(struct turn *turn);
/* The account's right to act on it, or to add to it what belongs to a registration (`submits`). False: refused, in the
   words of a case that is not there where it may not even read at the site. */
bool casework_account_may(const struct casework_case *one, const Hb__Actor *actor, bool submits);
bool casework_account_acts(const struct casework_case *one, const Hb__Actor *actor, bool submits); /* refuses nothing */
/* Who takes the step: the account, or `for_complainant` the complainant through whoever registered the case. NULL:
   refused. */
const Hb__Actor *casework_acting(const struct casework_case *one, const Hb__Actor *actor, const Casework__Act *act);
void casework_file_add(struct turn *turn, uint64_t case_id, Caserec__Case *record, const Hb__Event *event);
bool casework_fired(struct turn *turn, uint64_t case_id, const char *rule, const Hb__Position *source);
/* A part of a field for which the rule has opened a case in this round: listed again as it was, it opens none. */
bool casework_part_opened(struct turn *turn, uint64_t case_id, const Casework__CaseRequested *request);
void casework_part_opened_save(struct turn *turn, uint64_t case_id, const Casework__CaseRequested *request);
void casework_fired_save(struct turn *turn, uint64_t case_id, const char *rule, const Hb__Position *source);
bool casework_throttled(struct turn *turn, const char *account, uint64_t case_id, const char *step);
void casework_throttle_save(struct turn *turn, const char *account, uint64_t case_id, const char *step);
bool casework_told(const Caserec__Case *record, const char *notice);
void casework_told_add(struct turn *turn, Caserec__Case *record, char *notice, uint32_t round, int64_t at_ms);

/* steps.c: may a step be taken, and taking it. */
enum casework_bar { CASEWORK_FREE, CASEWORK_WRONG_STAGE, CASEWORK_NOT_ALLOWED, CASEWORK_NOT_ESCALATED };
/* An escalation reached this person, or somebody who has lent him his rights, and nobody has acknowledged it. */
bool casework_to_acknowledge(const struct casework_case *one, const Caserec__Level *level, const Hb__Actor *actor);
/* Who takes the step: whom the department that leads names for it, else whom the site does. */
struct policy_by casework_by(const struct casework_case *one, const Policy__Step *step);
/* Whoever these are, said to people: departments as the site calls them. */
const char *casework_whos_text(const struct casework_case *one, Policy__Who *const *whos, size_t count, bool english);
enum casework_bar casework_step_bar(const struct casework_case *one, const Policy__Step *step, const Hb__Actor *actor,
                                    const char **clause_out);
/* As whom the actor may take the step: in his own right, else for somebody who has lent him theirs. */
const Hb__Actor *casework_standing(const struct casework_case *one, const Policy__Step *step, const Hb__Actor *actor);
const Hb__Actor *casework_standing_for(const struct casework_case *one, const Hb__Actor *actor,
                                       const Directory__Person *from);
bool casework_may_write(const struct casework_case *one, const Policy__FieldDef *def, const Hb__Actor *actor);
const Policy__FieldDef *casework_field(const struct casework_case *one, const Policy__Step *step, const char *name);
/* The clause that asks for it; "": none does. */
const char *casework_clause_of(const Policy__Need *need);
void casework_check_needs(const struct casework_case *one, const Policy__Step *step, Hb__Field *const *fields,
                          size_t count, bool by_rule, Hb__Refusal **refusal);
/* `actor` NULL: a rule takes the step, and a guard that asks who takes it says nothing. Beside what is missing
   (problems that `refusal` has already) an actor is told of those guards that hold whatever he adds. `ahead`: nothing
   is filled in yet, and guards that read what the step is to ask for say nothing. */
void casework_check_guards(const struct casework_case *one, const Policy__Step *step, const struct facts *with,
                           const Hb__Actor *actor, bool ahead, Hb__Refusal **refusal);
Hb__Event *casework_step_event(const struct casework_case *one, const Policy__Step *step, Hb__Field *const *fields,
                               size_t count, const Hb__Personal *note, const char *rule);
/* Says a step where others may follow before it is folded: the next one starts where this one ended. */
void casework_say_step(const struct casework_case *one, Hb__Event *event);
/* The person or department a rule means; "" when there is none. */
const char *casework_named(const struct casework_case *one, const Policy__Who *who);
Hb__Event *casework_event(struct turn *turn, const struct casework_case *one, Casework__Event__KindCase kind,
                          void *payload);

void casework_miss_field(const struct casework_case *one, const Policy__Step *step, const char *name,
                         const char *clause, Hb__Refusal **refusal);

/* links.c: steps that link two cases, take them apart, copy what the other has, go back. */
void casework_number_save(struct turn *turn, const Caserec__Case *record, uint64_t case_id);
uint64_t casework_numbered(struct turn *turn, const char *site, const char *number); /* 0: no case has it */
uint64_t casework_link_named(const Caserec__Case *record, const char *number);       /* 0: no such link */
void casework_link_add(struct turn *turn, Caserec__Case *record, const char *name, uint64_t case_id,
                       const Caserec__Case *other);
void casework_linked(struct turn *turn, Caserec__Case *record, const Casework__CaseLinked *said);
void casework_check_link(const struct casework_case *one, const Policy__Step *step, const struct facts *with,
                         const Hb__Actor *actor, Hb__Refusal **refusal);
/* Says the links of the step, which comes after them, and adds to it what it copies. */
void casework_say_links(const struct casework_case *one, const Policy__Step *step, Hb__Event *event);
void casework_count_links(struct turn *turn, const struct casework_case *one, const Hb__Event *event);

/* parts.c: parts, checklists, computed fields. */
void casework_check_parts(const struct casework_case *one, const Policy__Step *step, Hb__Field *const *fields,
                          size_t count, Hb__Refusal **refusal);
void casework_compute(const struct casework_case *one,
                      Hb__Event *event); /* adds the facts that follow from its facts */
/* What an `open ... each` opens for: parts, values, linked cases or persons. False after the last; index from 0. */
struct casework_each {
    const char *kind; /* "": the action's own */
    const char *to;   /* person or department; "" the action's own */
    uint64_t link;    /* a case that the new one is linked to as well; 0 none */
    Hb__Fact **with;
    size_t with_count;
};
bool casework_each(const struct casework_case *one, const Policy__Action *action, size_t index,
                   struct casework_each *out);
/* Is the case to be opened for this part? */
enum truth casework_each_holds(const struct casework_case *one, const Policy__Action *action, size_t index);
/* The facts an action gives: a text in braces is the case's own fact of that name, or of the part. */
void casework_with(const struct casework_case *one, Hb__Fact *const *with, size_t count, Hb__Fact ***list_out,
                   size_t *count_out);

/* chains.c: approvals and limits. */
bool casework_chain_approved(const struct casework_case *one, const char *chain);
bool casework_chain_step(const struct casework_case *one, const char *step); /* is it `sign` or `refuse`? */
bool casework_chain_may(const struct casework_case *one, const Hb__Actor *actor);
bool casework_chain_refuse(const struct casework_case *one, const Hb__Actor *actor);
void casework_chain_check(const struct casework_case *one, const Policy__Step *step, const Casework__Act *act,
                          const Hb__Actor *actor, Hb__Refusal **refusal);
void casework_chain_take(const struct casework_case *one, const Policy__Step *step, const Casework__Act *act,
                         const Hb__Actor *actor, Hb__Event *event);
void casework_chain_ask(const struct casework_case *one, const char *name, Hb__Event *event);
/* Of a text that a step changes nothing is approved any more, nor asked for. */
void casework_chain_lapse(const struct casework_case *one, Hb__Event *step);
/* The chains that approve this text: NULL after the last. From `index` 0. */
const Policy__Chain *casework_chain_of_text(const struct casework_case *one, const char *field, size_t index);
enum casework_limit {
    CASEWORK_LIMIT_NONE,
    CASEWORK_LIMIT_WITHIN,
    CASEWORK_LIMIT_UNKNOWN, /* no amount */
    CASEWORK_LIMIT_WAITS,   /* for a post that may decide it */
    CASEWORK_LIMIT_REFUSED,
};
enum casework_limit casework_limit(const struct casework_case *one, const Policy__Step *step, const struct facts *with,
                                   const Hb__Actor *actor, const Policy__Limits **limits_out,
                                   const Policy__LimitByPost **enough_out);
void casework_limit_refuse(const struct casework_case *one, const Policy__Limits *limits, enum casework_limit what,
                           Hb__Refusal **refusal);
Hb__Event *casework_limit_wait(const struct casework_case *one, const Policy__Limits *limits,
                               const Policy__LimitByPost *post, Hb__Field *const *fields, size_t count,
                               const Hb__Personal *note);
void casework_limit_decided(const struct casework_case *one, const Policy__Step *step, const Hb__Actor *actor,
                            Hb__Event *event);

/* prepare.c: the step of an action. NULL: refused. */
const Policy__Step *casework_find_step(struct turn *turn, const struct casework_case *one, const Casework__Act *act);

/* extend.c: the step `extend`. NULL: the kind has no clock that may be extended. */
const Policy__Step *casework_extend_step(const struct casework_case *one, const Casework__Act *act);
const Policy__FieldDef *casework_extend_field(const struct casework_case *one, const char *name);
const Policy__Clock *casework_extend_clock(const struct casework_case *one, const Casework__Act *act);
Hb__Refusal *casework_extend_bar(const struct casework_case *one, const Policy__Clock *clock); /* NULL: it may be */
bool casework_extends(const Casework__Act *act);
bool casework_extend_open(const struct casework_case *one, const Policy__Clock *clock); /* the same, silent */
void casework_extend_say(const struct casework_case *one, const Policy__Clock *clock, const Hb__Event *step);
void casework_extend_granted(struct turn *turn, Caserec__Case *record, const Casework__ExtensionGranted *grant);
void casework_extend_noticed(struct turn *turn, Caserec__Case *record, const Notification__Event *said);
void casework_extend_watched(struct turn *turn, Caserec__Case *record, const Watchdog__Event *said);

/* read.c: what the policy shows of the case to the actor (NULL: all). Sets the file's facts, texts, attachments; clears
   in the event what it does not show, and says of what (NULL: of nothing). The number of a case that is hidden from the
   actor is gone without a word. */
void casework_file_read(const struct casework_case *one, const Hb__Actor *actor, Casework__CaseFile *file);
Casework__Withheld *casework_event_read(const struct casework_case *one, const Hb__Actor *actor, Hb__Event *event);

/* own.c: the case as its complainant may know it. */
void casework_answer_own(const struct casework_case *one, const Hb__Actor *actor, Casework__Reply *reply);

/* seen.c: which fields the complainant sees, as the case stands and after a step. */
/* `conditional_out`: under a condition of the case as it is now, so that only the newest value counts. */
bool casework_shows(const struct casework_case *one, const char *field, bool *conditional_out);
Casework__Seen *casework_seen(const struct casework_case *one);
Casework__Seen *casework_seen_after(const struct casework_case *one, const Policy__Step *step,
                                    const Casework__Allowed *allowed);

/* returns.c: how often a case may be given back. */
void casework_check_returns(const struct casework_case *one, const Policy__Step *step, Hb__Refusal **refusal);
void casework_returns_react(const struct casework_case *one, const Hb__Event *event);

/* react.c: something a person must see to; it stands on the case until it is settled. */
void casework_note_problem(struct turn *turn, const struct casework_case *one, const char *rule, char *const *clauses,
                           size_t count, Hb__Position *source, const char *zh, const char *en);

/* undated.c: a clock that begins and is never due. `source` NULL below: whatever a problem follows from. */
void casework_note_undated(struct turn *turn, const struct casework_case *one, const Hb__Event *event,
                           Hb__Position *source);
void casework_dated(struct turn *turn, Caserec__Case *record, const Watchdog__Event *said);

/* documents.c: forms and letters. */
void casework_issue(struct turn *turn, const struct casework_case *one, const Policy__Rule *rule,
                    const Policy__Action *action, Hb__Position *source);
void casework_document_issued(struct turn *turn, Caserec__Case *record, const Hb__Event *event);
/* What the mail of the notice carries: its letter, where the same event issued one. Else NULL. */
Hb__Letter *casework_letter_of(const struct casework_case *one, const char *notice, const Hb__Position *source);

/* attach.c: files. False: refused. */
bool casework_attach_bar(const struct casework_case *one, const Hb__Actor *actor, uint64_t size);
bool casework_may_attach(struct turn *turn, const struct casework_case *one, const Hb__Actor *actor);
void casework_prepare_attach(struct turn *turn, const Casework__Attach *attach);
void casework_decide_attach(struct turn *turn, const Hb__Command *command, struct casework_case *one);
void casework_file_attached(struct turn *turn, Caserec__Case *record, const Hb__Event *event);
void casework_files_deleted(Caserec__Case *record, const Hb__Event *event); /* by a step; what is said of them stays */
/* A value of a field of type FILE that is a file's id names one of this case; any other is where a file is kept
 * elsewhere. */
void casework_check_file(struct turn *turn, const struct casework_case *one, const Hb__Field *field, const char *path);
void casework_answer_may_attach(struct turn *turn, const Hb__Query *query, struct casework_case *one,
                                Casework__Reply *reply);

/* move.c: open cases take a newer version of the policy. */
void casework_decide_move(struct turn *turn, const Hb__Command *command);
struct bytes casework_job_step(struct turn *turn, const char *what, struct bytes payload, struct bytes next,
                               unsigned keys_max);
void casework_job_passed_over(struct turn *turn, const char *what, struct bytes payload);
void casework_move_site(struct turn *turn, const Hb__Event *event); /* what is said of a site and no case */
void casework_moved(struct turn *turn, Caserec__Case *record, const Hb__Event *event);
void casework_stays(struct turn *turn, Caserec__Case *record, const Casework__CaseMoveRefused *refused);
void casework_answer_preview(struct turn *turn, const Hb__Query *query, Hb__QueryReply *reply);
void casework_answer_move(struct turn *turn, const Hb__Query *query, Hb__QueryReply *reply);

/* notices.c: what notification, escalation or routing could not do for the case is noted as a problem. */
void casework_note_heard(struct turn *turn, const struct casework_case *one, const Hb__Event *event);

/* decide.c, react.c, evolve.c, answer.c, history.c */
void casework_add_allowed(const struct casework_case *one, const Hb__Actor *actor, Casework__Allowed ***list,
                          size_t *count);
void casework_prepare(struct turn *turn, Hb__Command *command);
uint64_t casework_seal_key(struct turn *turn, const Hb__Command *command, bool identity);
void casework_decide(struct turn *turn, const Hb__Command *command);
void casework_reply(struct turn *turn, const Hb__Command *command, Hb__Event *const *said, unsigned count,
                    Hb__CommandReply *reply);
void casework_react(struct turn *turn, const Hb__Event *event);
/* The rule and the event it follows from. "" and NULL: of no rule. */
const Hb__Position *casework_source_of(const Casework__Event *said, const char **rule_out);
/* What the rule waited for, and whatever else it met but upon this event. */
void casework_settle_problems(Caserec__Case *record, const char *rule, const Hb__Position *source);
/* The rule that a problem waits to decide. NULL: it waits for nothing, or is settled. */
const Policy__Rule *casework_waiting(const struct casework_case *one, const Caserec__Problem *problem);
bool casework_triggers(const Policy__Trigger *trigger, const Hb__Event *event);
void casework_too_deep(struct turn *turn, const Hb__Event *event);
void casework_evolve(struct turn *turn, const Hb__Event *event);
/* `never .. see`: as if it were not there. */
bool casework_hidden(const struct casework_case *one, const Hb__Actor *actor);
void casework_answer(struct turn *turn, const Hb__Query *query, Hb__QueryReply *reply);
void casework_say_history(struct turn *turn, const Hb__Event *event);

#endif
