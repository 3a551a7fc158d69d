/* The cell above. A Poll of ours is always under way there; its answer is what it wants to fetch of our logs, and each
   is answered by a Deliver. What our own services want to hear of it is an ordinary request the other way. */
#include "relay.h"

#include "message/message.h"

#include <ev.h>
#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>

#define HANDS_MAX 4096u /* as many as the link above keeps wanted; more are wanted again when these are answered */

struct above {
    struct link *link;
    const Config__Cell *cell;
    struct bus_peer *peer;
    uint64_t run;
    unsigned hands_count;
    struct hand *hands; /* what it wants and our producers have not answered yet */
    ev_timer again;
    bool here;
    char problem[300]; /* why not; "": it is here */
};

struct hand {
    struct hand *next;
    struct above *above;
    uint64_t id;
};

static void poll_now(struct above *above);

static void say_here(struct above *above)
{
    if (!above->here)
        NOTE(above->link->log, NOTE_CELL_HERE, LOG_TEXT("cell", above->cell->cell), LOG_TEXT("name", above->cell->name),
             LOG_TEXT("endpoint", above->cell->endpoint));
    above->here = true;
    above->problem[0] = 0;
}

/* Once for every reason. */
static void say_away(struct above *above, enum log_note note, const char *why)
{
    if (!above->here && strcmp(above->problem, why) == 0)
        return;
    above->here = false;
    snprintf(above->problem, sizeof above->problem, "%s", why);
    NOTE(above->link->log, note, LOG_TEXT("cell", above->cell->cell), LOG_TEXT("name", above->cell->name),
         LOG_TEXT("endpoint", above->cell->endpoint), LOG_TEXT("why", why));
}

/* ---- what it wants ---- */

static void delivered(void *context, enum err err, const Bus__Reply *reply)
{
    (void)context; /* lost: the next Poll does not name it as in hand, and it is wanted again */
    (void)err;
    (void)reply;
}

static void drop(struct hand *hand)
{
    for (struct hand **at = &hand->above->hands; *at; at = &(*at)->next)
        if (*at == hand) {
            *at = hand->next;
            break;
        }
    hand->above->hands_count--;
    free(hand);
}

static void deliver(struct hand *hand, Bus__Fetched *fetched)
{
    struct above *above = hand->above;
    Bus__Request request = BUS__REQUEST__INIT;
    Bus__Deliver message = BUS__DELIVER__INIT;
    request.kind_case = BUS__REQUEST__KIND_DELIVER;
    request.deliver = &message;
    message.cell = above->link->cell;
    message.run = above->run;
    message.id = hand->id;
    message.fetched = fetched;
    bus_request(above->peer, &request, LINK_POLL_MS, delivered, NULL);
    drop(hand);
}

static void on_fetched(void *context, enum err err, const Bus__Reply *reply)
{
    bool good = !err && reply->kind_case == BUS__REPLY__KIND_FETCHED;
    deliver(context, good ? reply->fetched : NULL);
}

static void take_wanted(struct above *above, const Bus__Wanted *wanted)
{
    for (const struct hand *hand = above->hands; hand; hand = hand->next)
        if (hand->id == wanted->id)
            return;
    if (!wanted->fetch || !wanted->fetch->log || above->hands_count == HANDS_MAX)
        return;
    struct hand *hand = calloc(1, sizeof *hand);
    bug_unless(hand);
    *hand = (struct hand){above->hands, above, wanted->id};
    above->hands = hand;
    above->hands_count++;
    if (wanted->fetch->log->cell != above->link->cell ||
        !link_fetch_here(above->link, wanted->fetch, wanted->fetch->reader, on_fetched, hand))
        deliver(hand, NULL);
}

/* ---- polling ---- */

static void poll_later(struct above *above)
{
    ev_timer_set(&above->again, LINK_RETRY_MS / 1000., 0.);
    ev_timer_start(above->link->loop, &above->again);
}

static const char *why_silent(const struct above *above)
{
    return bus_peer_refuses(above->peer)
               ? "it does not know our key: have it accept our application (hearback cell accept)"
               : "no answer: it is down, cannot be reached, or its key is not the one we were given";
}

static void on_polled(void *context, enum err err, const Bus__Reply *reply)
{
    struct above *above = context;
    if (!err && reply->kind_case == BUS__REPLY__KIND_POLLED) {
        say_here(above);
        for (size_t i = 0; i < reply->polled->n_wanted; i++)
            take_wanted(above, reply->polled->wanted[i]);
        poll_now(above);
        return;
    }
    if (err)
        say_away(above, NOTE_CELL_AWAY, why_silent(above));
    else if (reply->kind_case == BUS__REPLY__KIND_REFUSED && strcmp(reply->refused->code, "in_use") != 0)
        say_away(above, NOTE_CELL_REFUSED, reply->refused->text ? reply->refused->text->en : reply->refused->code);
    poll_later(above);
}

static void poll_now(struct above *above)
{
    Bus__Request request = BUS__REQUEST__INIT;
    Bus__Poll poll = BUS__POLL__INIT;
    struct arena *arena = &above->link->passing;
    request.kind_case = BUS__REQUEST__KIND_POLL;
    request.poll = &poll;
    poll.cell = above->link->cell;
    poll.run = above->run;
    for (const struct hand *hand = above->hands; hand; hand = hand->next) {
        poll.in_hand = arena_grow(arena, poll.in_hand, poll.n_in_hand, sizeof *poll.in_hand);
        poll.in_hand[poll.n_in_hand++] = hand->id;
    }
    bus_request(above->peer, &request, LINK_POLL_MS, on_polled, above);
    arena_reset(arena);
}

static void on_again(struct ev_loop *loop, ev_timer *watcher, int events)
{
    (void)loop;
    (void)events;
    poll_now(watcher->data);
}

/* ---- what we want of it ---- */

static void on_told(void *context, enum err err, const Bus__Reply *reply)
{
    struct bus_call *call = context;
    if (err || !link_answers_fetch(reply)) {
        link_refuse(call, 503, "cell_away", "上级系统没有应答", "the cell above does not answer");
    } else {
        Bus__Reply passed = *reply;
        bus_reply(call, &passed);
    }
    free(call);
}

void above_fetch(struct link *link, const struct bus_call *call, const Bus__Fetch *fetch)
{
    struct above *above = link->above;
    if (!above->here) {
        link_refuse(call, 503, "cell_away", "与上级系统的连接中断", "the cell above is away");
        return;
    }
    struct bus_call *kept = malloc(sizeof *kept);
    bug_unless(kept);
    *kept = *call;
    Bus__Request request = BUS__REQUEST__INIT;
    Bus__Fetch asked = *fetch;
    request.kind_case = BUS__REQUEST__KIND_FETCH;
    request.fetch = &asked;
    asked.reader = (char *)(uintptr_t)call->user;
    asked.bytes_max =
        fetch->bytes_max && fetch->bytes_max < LINK_FETCH_BYTES_MAX ? fetch->bytes_max : LINK_FETCH_BYTES_MAX;
    bus_request(above->peer, &request, LINK_ASK_MS, on_told, kept);
}

/* ---- opening ---- */

enum err above_open(struct link *link)
{
    const Config__Cell *cell = NULL;
    for (size_t i = 0; i < link->config->n_cells; i++)
        if (link->config->cells[i]->above)
            cell = link->config->cells[i];
    if (!cell)
        return ERR_NONE;
    struct above *above = link->above = arena_zero(&link->arena, sizeof *above);
    Config__Instance *there = arena_alloc(&link->arena, sizeof *there);
    config__instance__init(there);
    there->endpoint = cell->endpoint;
    there->public_key = cell->public_key;
    above->link = link;
    above->cell = cell;
    snprintf(above->problem, sizeof above->problem, "not reached yet");
    randombytes_buf(&above->run, sizeof above->run);
    enum err err = bus_connect(link->bus, there, &above->peer);
    ev_init(&above->again, on_again);
    above->again.data = above;
    if (!err)
        poll_now(above);
    return err;
}

uint64_t above_cell(const struct link *link)
{
    return link->above ? link_cell_id(link->above->cell) : 0;
}

void above_report(const struct link *link, struct arena *arena, Bus__PositionReport *report)
{
    if (!link->above)
        return;
    Bus__CellPosition *position = arena_alloc(arena, sizeof *position);
    bus__cell_position__init(position);
    position->log = arena_alloc(arena, sizeof *position->log);
    hb__log_id__init(position->log);
    position->log->cell = link_cell_id(link->above->cell);
    position->log->service = HB__SERVICE__LINK;
    position->problem = arena_strdup(arena, link->above->problem);
    report->cells = arena_grow(arena, report->cells, report->n_cells, sizeof *report->cells);
    report->cells[report->n_cells++] = position;
}
