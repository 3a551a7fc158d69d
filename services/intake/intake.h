/* intake: the register (登记): submissions, case numbers, duplicate hints; the vault of personal data. */
#ifndef HEARBACK_INTAKE_H
#define HEARBACK_INTAKE_H

#include "base/truth.h"
#include "hearback/policy.pb-c.h"
#include "hearback/record/intake.pb-c.h"
#include "service/service.h"

extern const struct service intake_service;

struct facts;

#define INTAKE_TEXT_CHARACTERS_MAX 20000u
#define INTAKE_FIELDS_MAX 64u
#define INTAKE_EVENT_BYTES_MAX (96u << 10) /* of one registration: the log takes no event above 128 KiB */
#define INTAKE_PARTY_CHARACTERS_MAX 500u
#define INTAKE_NAME_BYTES_MAX 200u /* kind, category, channel, place, source, external id, ... */
#define INTAKE_HISTORY_STEPS_MAX 32u
#define INTAKE_OPEN_BOXES_MAX 1000u
#define INTAKE_OPEN_FILES_MAX 50u
#define INTAKE_FIND_MAX 1000u
#define INTAKE_ALIKE_MAX 5u
#define INTAKE_ALIKE_RANKED_MAX 16u /* of an answer to FindAlike */
#define INTAKE_ALIKE_TEXT_BYTES_MAX 8192u
#define INTAKE_PROMISED_MAX 32u
#define INTAKE_SEARCH_DEFAULT 50u
#define INTAKE_SEARCH_MAX 500u /* cases to one reply */
#define INTAKE_SEARCH_BYTES_MAX 200u
#define INTAKE_SEARCH_WORDS_MAX 8u
#define INTAKE_ALIKE_WITHIN_MS (14ll * 24 * 3600 * 1000)
#define INTAKE_GENERATION_MAX 8u
#define INTAKE_LENT_NONCE_BYTES 24u                         /* of a box */
#define INTAKE_CLOCK_LEAD_MS 60000                          /* how far ahead of our clock a given time may be */
#define INTAKE_RECEIVED_BEFORE_MS (31ll * 24 * 3600 * 1000) /* how long a letter or a mail may have lain */

#define INTAKE_HELD_MAX 200u       /* that wait, of a site */
#define INTAKE_HELD_ORIGIN_MAX 20u /* and of one address */
#define INTAKE_HELD_RETRY_S 3600u
#define INTAKE_HELD_PAGE_MAX TURN_TARGETS_MAX /* whose texts can be opened at once */
#define INTAKE_HELD_NUMBER "H{date}-{nnn}"

enum intake_table {
    INTAKE_CASES,
    INTAKE_IDS,
    INTAKE_COUNTERS,
    INTAKE_NUMBERS,
    INTAKE_ALIKE,
    INTAKE_IMPORTED,
    INTAKE_REQUESTS,
    INTAKE_KEYS,
    INTAKE_CONFIDENTIAL,
    INTAKE_TEXTS,
    INTAKE_CASE_TEXTS,
    INTAKE_FILES,
    INTAKE_LENT,
    INTAKE_HELD,
    INTAKE_HELD_LIST,
    INTAKE_TABLES_COUNT,
};
extern const char *const intake_tables[];

/* ---- mask.c ---- */
/* The text in part: of who complained the beginning of a name, an address; of telephone and identity numbers, wherever
   they stand, their ends. The text itself where there is nothing to hide. */
char *intake_masked(struct turn *turn, const Hb__Sealed *box, char *text);

/* ---- tables.c; what is not there is NULL, or 0 ---- */
Intakerec__Case *intake_case_load(struct turn *turn, uint64_t case_id);
void intake_case_save(struct turn *turn, uint64_t case_id, const Intakerec__Case *record);
/* A text of another case that a step has copied to this one: who may read this case's texts may read it. */
bool intake_lent(struct turn *turn, uint64_t case_id, const Hb__Sealed *box);
void intake_lent_save(struct turn *turn, uint64_t case_id, const Hb__Sealed *box);
uint64_t intake_last_id(struct turn *turn, uint32_t bucket);
void intake_last_id_save(struct turn *turn, uint32_t bucket, uint64_t last);
/* The last number of a counter; `epoch_out` (may be NULL): of the log when it was given, 0 when none was. */
uint64_t intake_counter(struct turn *turn, const char *site, const char *counter, uint32_t *epoch_out);
void intake_counter_save(struct turn *turn, const char *site, const char *counter, uint64_t last, uint32_t epoch);
void intake_number_save(struct turn *turn, const char *site, const char *number, uint64_t case_id);
/* Cases of any site with this number: numbers are unique within a site only. */
struct state_scan *intake_number_open(struct turn *turn, const char *number);
uint64_t intake_number_next(struct turn *turn, struct state_scan *scan);
bool intake_may_ask(struct turn *turn, const Hb__Query *query, const char *scope); /* false: refused */
/* alike.c: what may be the same matter as a case that is being registered. */
void intake_answer_alike(struct turn *turn, const Hb__Query *query, const Intake__FindAlike *find,
                         Intake__Reply *reply);
void intake_alike_save(struct turn *turn, const Intakerec__Case *record, uint64_t case_id);
/* The newest cases of the same site, kind, category and place (a listed one, or the key of a sealed one) received
 * within 14 days before `received_ms`. */
size_t intake_alike_find(struct turn *turn, const char *site, const char *kind, const char *category, const char *place,
                         int64_t received_ms, uint64_t out[INTAKE_ALIKE_MAX]);
/* `offset_out` (may be NULL): of its CaseRegistered in the own log. */
uint64_t intake_imported(struct turn *turn, const char *site, const char *source, const char *external_id,
                         uint64_t *offset_out);
void intake_imported_save(struct turn *turn, const char *site, const char *source, const char *external_id,
                          uint64_t case_id, uint64_t offset);
Hb__Position *intake_request(struct turn *turn, const Casework__CaseRequested *request);
void intake_request_save(struct turn *turn, const Casework__CaseRequested *request, const Hb__Position *position);
uint64_t intake_key_case(struct turn *turn, uint64_t key_id);
void intake_key_save(struct turn *turn, uint64_t key_id, uint64_t case_id);
bool intake_keeps_key(struct turn *turn, uint64_t key_id);

Intakerec__Confidential *intake_confidential_load(struct turn *turn, uint64_t case_id);
void intake_confidential_save(struct turn *turn, uint64_t case_id, const Intakerec__Confidential *record);

/* What casework said is attached; the file's id in 32 hex digits. */
Intakerec__File *intake_file_load(struct turn *turn, uint64_t case_id, const char *file);
void intake_file_save(struct turn *turn, uint64_t case_id, const char *file, const Intakerec__File *record);

/* ---- number.c ---- */
/* What counts: the pattern filled in but for the running number, which stands where "{n}" is left. */
char *intake_number_counter(struct turn *turn, const char *pattern, const char *site_code, const char *kind,
                            const char *date);
char *intake_number_make(struct turn *turn, const char *counter, uint64_t count);
/* How many numbers of a counter of the day `dated_ms`, last used in `epoch`, may have been given out after the backup
   this log was restored from: those are skipped. 0: none, or they were skipped already. */
uint32_t intake_numbers_lost(struct turn *turn, const char *pattern, const char *site, int64_t dated_ms,
                             uint32_t epoch);

/* ---- prepare.c ---- */
void intake_prepare(struct turn *turn, Hb__Command *command);
uint64_t intake_seal_key(struct turn *turn, const Hb__Command *command, bool identity);
size_t intake_characters(const char *text);
/* The keyed index of a place at a site: equal places have equal ones, and nothing else can be told from it. */
char *intake_place_key(struct turn *turn, const char *site, const char *place);
bool intake_place_is_listed(const Policy__Kind *kind);                   /* then it is a choice, and no free text */
const Directory__Site *intake_site(struct turn *turn, const char *site); /* NULL: refused */
const Policy__Kind *intake_kind(struct turn *turn, const Policy__Policy *policy, const char *kind, const char *field);

/* ---- register.c: one new case, whoever asks for it ---- */
struct intake_new {
    const Directory__Site *site;
    const Policy__Policy *policy;
    const Policy__Kind *kind;
    int64_t received_ms;
    bool historic;
    const char *first_stage; /* of the kind; settled on the spot, the case is registered in another */
    struct facts *facts;     /* all of them, for conditions */
    const Hb__Actor *actor;  /* who registers it; NULL: a rule or a schedule */
    Hb__Event *event;        /* CaseRegistered, being filled */
    Intake__CaseRegistered *registered;
    uint32_t skipped; /* numbers left out just before its own */
};
/* Begins it: number, id, kind, stage, the common facts. */
struct intake_new intake_register_begin(struct turn *turn, const Directory__Site *site, const Policy__Policy *policy,
                                        const Policy__Kind *kind, int64_t received_ms, bool historic);
/* What a submission says. */
void intake_register_fill(struct turn *turn, struct intake_new *fresh, const Intake__Submit *submit);
/* What a number by this pattern counts in, at the site and on the day of the case. */
char *intake_register_counter(struct turn *turn, const struct intake_new *fresh, const char *pattern);
/* Category, channel and place, with their facts. */
void intake_register_about(struct turn *turn, struct intake_new *fresh, const char *category, const char *channel,
                           const char *place);
/* A fact of the case: in the event, and for its conditions. */
void intake_register_fact(struct turn *turn, struct intake_new *fresh, const char *name, Hb__Value *value);
void intake_register_text(struct turn *turn, struct intake_new *fresh, Hb__Field *field);
void intake_register_fields(struct turn *turn, struct intake_new *fresh, Hb__Field *const *fields, size_t count);
/* Who registers it, in a word (who_filer); a kind with a field of that name says so itself. */
void intake_register_filer(struct turn *turn, struct intake_new *fresh);
/* Whether there is a text and a party, as facts: never what is in them. */
void intake_register_party(struct turn *turn, struct intake_new *fresh);
void intake_register_defaults(struct turn *turn, struct intake_new *fresh);
void intake_register_stage(struct turn *turn, struct intake_new *fresh, const char *stage);
/* promised.c: the clocks that start at registration. */
void intake_promise(struct turn *turn, struct intake_new *fresh);
/* Duplicate hints and promised dates; then says it. False: it is too large, and nothing was said. */
bool intake_register_say(struct turn *turn, struct intake_new *fresh);
/* Would it be said? What it needs is worked out, and nothing is. */
bool intake_register_fits(struct turn *turn, struct intake_new *fresh);

/* ---- decide.c, rights.c, checks.c, open.c ---- */
const Hb__Actor *intake_actor(const Hb__Command *command); /* an empty one when the command names none */
void intake_decide(struct turn *turn, const Hb__Command *command);
void intake_decide_open(struct turn *turn, const Hb__Command *command, const Intake__Open *open);
void intake_check_account(struct turn *turn, const Hb__Actor *actor, const Directory__Site *site,
                          const Policy__Kind *kind, const Intake__Submit *submit);
/* When it came in: clocks that start with the receipt run from then. */
void intake_check_received(struct turn *turn, const Hb__Actor *actor, const Directory__Site *site,
                           const Intake__Submit *submit);
void intake_check_policy(struct turn *turn, const struct intake_new *fresh, const Intake__Submit *submit,
                         const Hb__Actor *actor);
/* The answer to MayRegister: every kind but those that would be refused whatever the case is about. */
Intake__Registrable *intake_may_register(struct turn *turn, const Directory__Site *site, const Hb__Actor *actor);
/* checks.c; `missing_out` (may be NULL) names the fact whose absence made it unknown. Nothing has been told yet, and
   nothing is linked whose facts intake knows. */
enum truth intake_holds(struct turn *turn, const struct intake_new *fresh, const Policy__Condition *condition,
                        const char **missing_out);
void intake_check_needed(struct turn *turn, const struct intake_new *fresh);
void intake_check_rules(struct turn *turn, const struct intake_new *fresh, const char *step, const Hb__Actor *actor);
/* On the spot: checks and takes the kind's step `settle`. */
void intake_settle(struct turn *turn, struct intake_new *fresh, const Intake__Submit *submit, const Hb__Actor *actor);
void intake_check_history(struct turn *turn, const struct intake_new *fresh, const Intake__History *history);

/* ---- held.c: submissions that look like a program's ---- */
Intakerec__Held *intake_held_load(struct turn *turn, uint64_t held); /* waits, or was refused; NULL: neither */
void intake_held_evolve(struct turn *turn, const Hb__Event *event);
void intake_held_over(struct turn *turn, uint64_t held); /* it is a case now */
/* Says that it is held, or refuses: what would have been registered as `fresh`. False: it is too large. */
bool intake_hold(struct turn *turn, const struct intake_new *fresh, const Intake__Submit *submit);
void intake_decide_register_held(struct turn *turn, const Hb__Command *command, const Intake__RegisterHeld *wanted);
void intake_prepare_refuse_held(struct turn *turn, const Hb__Command *command, const Intake__RefuseHeld *wanted);
void intake_decide_refuse_held(struct turn *turn, const Hb__Command *command, const Intake__RefuseHeld *wanted);
Intake__HeldList *intake_held_list(struct turn *turn, const char *site, const Hb__Actor *actor,
                                   const Intake__GetHeld *get);
/* A text of it, not who sent it: for staff with the right `open`. */
bool intake_held_may_open(struct turn *turn, const Hb__Command *command, uint64_t held, const Intakerec__Held *record,
                          uint64_t key_id);

/* ---- identity.c ---- */
/* Of every event of a case but its registration, which begins it. */
void intake_identity_fold(struct turn *turn, const Hb__Event *event);
void intake_identity_begin(struct turn *turn, const Hb__Event *event, const Policy__Kind *kind);
void intake_identity_moved(struct turn *turn, const Hb__Event *event);
/* Does this key seal the identity of a confidential case that is not for this member of staff to know? */
bool intake_identity_withheld(struct turn *turn, const Hb__Actor *actor, uint64_t owner, uint64_t key_id);
/* Is this a text of the case that its policy does not show to the actor (`read` of the field)? */
bool intake_text_withheld(struct turn *turn, const Hb__Actor *actor, uint64_t case_id, const char *field);
/* Of a confidential case (or of what is held and would be one) staff is shown nothing, not in part either, before it is
   said what for. */
bool intake_is_confidential(struct turn *turn, uint64_t case_id);
Hb__Refusal *intake_purpose_reason(struct turn *turn);
/* Why, by which clauses, and for whom it is. */
Hb__Refusal *intake_identity_reason(struct turn *turn, uint64_t case_id, const char *field);

/* ---- differs.c ---- */
/* Is the case of this CaseRegistered hidden from whoever imports? By what is known of it here. */
bool intake_import_hidden(struct turn *turn, const Hb__Event *registered, const Hb__Actor *actor);
/* What an import that existed says otherwise than its CaseRegistered: `differs` of the reply. */
void intake_import_differs(struct turn *turn, const Hb__Event *event, const Intake__Import *import,
                           Intake__Submitted *submitted);

/* ---- texts.c: the sealed texts of a case, wherever they were said ---- */
/* Of a registration in the own log (`offset`), or of a step (boxes). */
void intake_text_save(struct turn *turn, uint64_t case_id, uint64_t offset, Hb__Sealed **boxes, size_t count);
void intake_step_fold(struct turn *turn, const Hb__Event *event, const Casework__StepTaken *taken);
/* Calls `each` with every text of the case: sealed ones are opened, but for those whose key is gone and, where an actor
   asks, those withheld from him; number and place come with them. `field` is as sealed. False from `each` ends it. An
   error: a text could not be read for now (its key is neither destroyed nor is it altered), the others were given. */
typedef bool intake_text_fn(void *context, const char *field, const char *text);
enum err intake_texts_each(struct turn *turn, uint64_t case_id, const Hb__Actor *actor, intake_text_fn *each,
                           void *context);
/* The cases of texts after `end`, at most `most` texts; `end_out`: the last one looked at. */
size_t intake_texts_after(struct turn *turn, uint64_t end, size_t most, uint64_t *cases, uint64_t *end_out);
enum err intake_index(struct turn *turn, bool *more_out);

/* ---- search.c ---- */
void intake_search_prepare(struct turn *turn, const Hb__Command *command, Intake__Search *search);
/* export.c */
#define INTAKE_EXPORT_BYTES_MAX 600u
void intake_export_decide(struct turn *turn, const Hb__Command *command, const Intake__Export *export);
void intake_search_decide(struct turn *turn, const Hb__Command *command, const Intake__Search *search);
void intake_search_reply(struct turn *turn, const Hb__Command *command, const Intake__Search *search,
                         Hb__CommandReply *reply);

void intake_reply(struct turn *turn, const Hb__Command *command, Hb__Event *const *said, unsigned count,
                  Hb__CommandReply *reply);
void intake_react(struct turn *turn, const Hb__Event *event);
void intake_too_deep(struct turn *turn, const Hb__Event *cause);
void intake_evolve(struct turn *turn, const Hb__Event *event);
/* Is this the tracking code of the case, as people type it? At the door and in queries only. */
bool intake_tracks(struct turn *turn, const char *given, uint64_t case_id);
void intake_answer(struct turn *turn, const Hb__Query *query, Hb__QueryReply *reply);

#endif
