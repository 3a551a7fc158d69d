/* The cells below. What services here want to hear of them waits until they poll, and until they deliver: for them it
   is a fetch that takes its time. Their key says which cell they are; a second system under the same key and id is told
   apart by its run, and is not let in. */
#include "relay.h"

#include "message/message.h"

#include <ev.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define WANTED_MAX 4096u /* of one cell: every partition here fetches every log there, one at a time */

struct wanted {
    struct wanted *next;
    uint64_t id;
    struct bus_call call; /* who wants it */
    struct arena arena;   /* of the fetch */
    Bus__Fetch *fetch;
    bool sent;
    int64_t until_ms;
};

struct below {
    struct link *link;
    const Config__Cell *cell;
    uint64_t id, run, rival;
    int64_t seen_ms, rival_ms; /* 0: never */
    bool here;
    bool polling; /* `poll` awaits an answer */
    struct bus_call poll;
    int64_t poll_until_ms;
    struct wanted *wanted;
    unsigned wanted_count;
    uint64_t next_id;
};

static struct below *below_of(const struct link *link, uint64_t cell)
{
    for (size_t i = 0; link->below && link->below[i].cell; i++)
        if (link->below[i].id == cell)
            return &link->below[i];
    return NULL;
}

bool below_knows(const struct link *link, uint64_t cell)
{
    return below_of(link, cell) != NULL;
}

/* ---- the poll under way ---- */

static void answer_poll(struct below *below, bool with_nothing)
{
    Bus__Reply reply = BUS__REPLY__INIT;
    Bus__Polled polled = BUS__POLLED__INIT;
    struct arena *arena = &below->link->passing;
    for (struct wanted *wanted = below->wanted; below->polling && wanted; wanted = wanted->next) {
        if (wanted->sent)
            continue;
        Bus__Wanted *one = arena_alloc(arena, sizeof *one);
        bus__wanted__init(one);
        one->id = wanted->id;
        one->fetch = wanted->fetch;
        wanted->sent = true;
        polled.wanted = arena_grow(arena, polled.wanted, polled.n_wanted, sizeof *polled.wanted);
        polled.wanted[polled.n_wanted++] = one;
    }
    if (below->polling && (polled.n_wanted || with_nothing)) {
        reply.kind_case = BUS__REPLY__KIND_POLLED;
        reply.polled = &polled;
        bus_reply(&below->poll, &reply);
        below->polling = false;
    }
    arena_reset(arena);
}

static void wanted_free(struct below *below, struct wanted *gone)
{
    for (struct wanted **at = &below->wanted; *at; at = &(*at)->next)
        if (*at == gone) {
            *at = gone->next;
            break;
        }
    below->wanted_count--;
    arena_fini(&gone->arena);
    free(gone);
}

static void say_gone(struct below *below)
{
    below->here = false;
    NOTE(below->link->log, NOTE_CELL_AWAY, LOG_TEXT("cell", below->cell->cell), LOG_TEXT("name", below->cell->name),
         LOG_TEXT("why", "its link has not been heard of for some seconds: that cell is down, or the way is cut"));
}

/* Whoever wanted something asks again, and hears at once that the cell is away. */
static void look(struct below *below)
{
    int64_t now = link_boot_ms();
    if (below->polling && now >= below->poll_until_ms)
        answer_poll(below, true);
    if (below->here && now - below->seen_ms > LINK_RUN_MS)
        say_gone(below);
    for (struct wanted *wanted = below->wanted, *next; wanted; wanted = next) {
        next = wanted->next;
        if (below->here && now < wanted->until_ms)
            continue;
        link_refuse(&wanted->call, 503, "cell_away", "下级系统没有应答", "the cell below does not answer");
        wanted_free(below, wanted);
    }
}

void below_look(struct link *link)
{
    for (size_t i = 0; link->below && link->below[i].cell; i++)
        look(&link->below[i]);
}

static void on_timer(struct ev_loop *loop, ev_timer *watcher, int events)
{
    (void)loop;
    (void)events;
    below_look(watcher->data);
}

/* ---- from services here ---- */

void below_want(struct link *link, const struct bus_call *call, const Bus__Fetch *fetch)
{
    struct below *below = below_of(link, fetch->log->cell);
    if (!below->here || below->wanted_count >= WANTED_MAX) {
        link_refuse(call, 503, "cell_away", "与下级系统的连接中断", "the cell below is away");
        return;
    }
    struct wanted *wanted = calloc(1, sizeof *wanted);
    bug_unless(wanted);
    arena_init(&wanted->arena);
    wanted->id = ++below->next_id;
    wanted->call = *call;
    wanted->fetch = (Bus__Fetch *)message_copy(&fetch->base, &wanted->arena);
    wanted->fetch->reader = arena_strdup(&wanted->arena, call->user);
    if (!fetch->bytes_max || fetch->bytes_max > LINK_FETCH_BYTES_MAX)
        wanted->fetch->bytes_max = LINK_FETCH_BYTES_MAX;
    wanted->until_ms = link_boot_ms() + LINK_ASK_MS;
    wanted->next = below->wanted;
    below->wanted = wanted;
    below->wanted_count++;
    answer_poll(below, false);
}

/* ---- from the cell ---- */

static void refuse_cell(struct below *below, const struct bus_call *call, const char *code, const char *zh,
                        const char *en)
{
    link_refuse(call, 409, code, zh, en);
    if (strcmp(code, "in_use") != 0)
        NOTE(below->link->log, NOTE_CELL_REFUSED, LOG_TEXT("cell", below->cell->cell),
             LOG_TEXT("name", below->cell->name), LOG_TEXT("why", en));
}

/* The key is the cell's; is the id, and is this the one system that bears it? A link that was started anew is let in as
   soon as the one before has not been heard of for LINK_RUN_MS. When that one goes on, there are two of them. */
static bool let_in(struct below *below, const struct bus_call *call, uint64_t cell, uint64_t run)
{
    int64_t now = link_boot_ms();
    if (cell != below->id) {
        refuse_cell(below, call, "another_cell", "该密钥属于另一个系统编号",
                    "its key belongs to another cell id: the system was made anew, or its id was changed; apply again "
                    "(hearback cell apply, then accept)");
        return false;
    }
    bool taken = below->run && below->run != run && now - below->seen_ms <= LINK_RUN_MS;
    if (!taken) {
        below->run = run;
        below->seen_ms = now;
        return true;
    }
    bool both = below->rival == run && below->rival_ms && below->seen_ms > below->rival_ms + LINK_POLL_PARK_MS;
    if (below->rival != run || !below->rival_ms)
        below->rival_ms = now;
    below->rival = run;
    refuse_cell(below, call, both ? "cloned" : "in_use", "该系统编号已有一个系统在线",
                both
                    ? "two systems with the same id and key are running: one is a copy of the other; stop one of them, "
                      "and give the copy an id and keys of its own (a new folder)"
                    : "the link that was here a moment ago may still be running; it is tried again");
    return false;
}

static struct below *caller(const struct link *link, const struct bus_call *call)
{
    return below_of(link, strtoull(call->user, NULL, 16));
}

/* What it names beyond WANTED_MAX it cannot have of us; a million of them would be compared with each of ours. */
static void forget_lost(struct below *below, const Bus__Poll *poll)
{
    size_t count = poll->n_in_hand < WANTED_MAX ? poll->n_in_hand : WANTED_MAX;
    for (struct wanted *wanted = below->wanted; wanted; wanted = wanted->next) {
        bool in_hand = false;
        for (size_t i = 0; i < count; i++)
            in_hand = in_hand || poll->in_hand[i] == wanted->id;
        wanted->sent = wanted->sent && in_hand;
    }
}

void below_poll(struct link *link, const struct bus_call *call, const Bus__Poll *poll)
{
    struct below *below = caller(link, call);
    if (!let_in(below, call, poll->cell, poll->run))
        return;
    if (!below->here)
        NOTE(link->log, NOTE_CELL_HERE, LOG_TEXT("cell", below->cell->cell), LOG_TEXT("name", below->cell->name));
    if (below->polling) /* it was given up there, or the way was cut: one is under way at a time */
        link_refuse(&below->poll, 409, "replaced", "该系统已有新的轮询", "a newer poll of this cell has come");
    below->here = true;
    below->polling = true;
    below->poll = *call;
    below->poll_until_ms = link_boot_ms() + LINK_POLL_PARK_MS;
    forget_lost(below, poll);
    answer_poll(below, false);
}

void below_deliver(struct link *link, const struct bus_call *call, const Bus__Deliver *deliver)
{
    struct below *below = caller(link, call);
    Bus__Reply acknowledged = BUS__REPLY__INIT;
    Bus__Polled nothing = BUS__POLLED__INIT;
    if (!let_in(below, call, deliver->cell, deliver->run))
        return;
    for (struct wanted *wanted = below->wanted; wanted; wanted = wanted->next) {
        if (wanted->id != deliver->id)
            continue;
        Bus__Reply reply = BUS__REPLY__INIT;
        reply.kind_case = BUS__REPLY__KIND_FETCHED;
        reply.fetched = deliver->fetched;
        if (deliver->fetched)
            bus_reply(&wanted->call, &reply);
        else
            link_refuse(&wanted->call, 503, "producer_away", "下级系统的该服务没有应答",
                        "that service of the cell below does not answer");
        wanted_free(below, wanted);
        break;
    }
    acknowledged.kind_case = BUS__REPLY__KIND_POLLED;
    acknowledged.polled = &nothing;
    bus_reply(call, &acknowledged);
}

/* ---- what a cell below wants of us ---- */

struct given {
    struct link *link;
    struct bus_call call;
    uint64_t cell;
};

static void on_given(void *context, enum err err, const Bus__Reply *reply)
{
    struct given *given = context;
    struct arena *arena = &given->link->passing;
    if (err || !link_answers_fetch(reply)) {
        link_refuse(&given->call, 503, "producer_away", "该服务没有应答", "that service does not answer");
    } else if (reply->kind_case == BUS__REPLY__KIND_FETCHED) {
        Bus__Reply passed = BUS__REPLY__INIT;
        Bus__Fetched fetched = *reply->fetched;
        struct bytes events = withhold(bytes_of(fetched.events.data, fetched.events.len), given->cell, arena);
        fetched.events = (ProtobufCBinaryData){events.size, (uint8_t *)(uintptr_t)events.data};
        passed.kind_case = BUS__REPLY__KIND_FETCHED;
        passed.fetched = &fetched;
        bus_reply(&given->call, &passed);
        arena_reset(arena);
    } else {
        Bus__Reply passed = *reply;
        bus_reply(&given->call, &passed);
    }
    free(given);
}

void below_fetch(struct link *link, const struct bus_call *call, const Bus__Fetch *fetch)
{
    const struct below *below = caller(link, call);
    if (!fetch->log || fetch->log->cell != link->cell || !withhold_hears(fetch->log->service)) {
        link_refuse(call, 403, "not_allowed", "下级系统只能接收本系统的组织与制度及发给它的案件",
                    "a cell below hears our organisation and policies, and the cases it is asked to open");
        return;
    }
    struct given *given = malloc(sizeof *given);
    bug_unless(given);
    *given = (struct given){link, *call, below->id};
    char reader[64];
    snprintf(reader, sizeof reader, "%.16s/%.40s", call->user, fetch->reader);
    if (!link_fetch_here(link, fetch, reader, on_given, given)) {
        free(given);
        link_refuse(call, 404, "not_found", "没有这个服务分区", "there is no such partition here");
    }
}

/* ---- opening ---- */

void below_open(struct link *link)
{
    size_t count = 0;
    link->below = arena_zero(&link->arena, (link->config->n_cells + 1) * sizeof *link->below);
    for (size_t i = 0; i < link->config->n_cells; i++) {
        if (link->config->cells[i]->above)
            continue;
        struct below *below = &link->below[count++];
        below->link = link;
        below->cell = link->config->cells[i];
        below->id = link_cell_id(below->cell);
    }
    ev_timer *timer = arena_alloc(&link->arena, sizeof *timer);
    ev_timer_init(timer, on_timer, 0.5, 0.5);
    timer->data = link;
    if (count)
        ev_timer_start(link->loop, timer);
}

void below_report(const struct link *link, struct arena *arena, Bus__PositionReport *report)
{
    for (size_t i = 0; link->below && link->below[i].cell; i++) {
        const struct below *below = &link->below[i];
        Bus__CellPosition *position = arena_alloc(arena, sizeof *position);
        bus__cell_position__init(position);
        position->log = arena_alloc(arena, sizeof *position->log);
        hb__log_id__init(position->log);
        position->log->cell = below->id;
        position->log->service = HB__SERVICE__LINK;
        position->problem = arena_strdup(arena, below->here      ? ""
                                                : below->seen_ms ? "its link has not been heard of for some seconds"
                                                                 : "has not called since this link was started");
        report->cells = arena_grow(arena, report->cells, report->n_cells, sizeof *report->cells);
        report->cells[report->n_cells++] = position;
    }
}
