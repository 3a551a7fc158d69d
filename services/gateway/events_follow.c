/* Live updates. A stream outlives no session or token by more than minutes: it ends with it where that is known here,
   and else after a while, and the client comes again with Last-Event-ID. One look at analytics for all followers tells
   whether anything has changed; only then each follower asks with its own rights what of it concerns it: in turn, a few
   at a time, for of a thousand questions at once some would find no room on their way. */
#include "events.h"

#include "cell.h"
#include "problem.h"

#include <ev.h>
#include <inttypes.h>
#include <stdlib.h>

#define ASKING_MAX 32u

struct follower {
    struct http_request *request;
    struct follower *next, **before;
    struct events_place after;
    int64_t written_ms, until_ms;
    struct arena_mark mark; /* what a page needed goes when it is written */
    bool wants;             /* the client has taken all that was written */
    bool due;               /* there may be more */
    bool asking;
    bool over; /* ended from here */
};

struct events {
    struct gateway *gateway;
    struct follower *followers, **end; /* who asked last stands last */
    unsigned asking;
    ev_timer timer;
    struct events_place newest;
    struct looking {
        struct events *events;
        bool under_way;
    } looking[EVENTS_RINGS_MAX]; /* at each ring */
};

static void ask_in_turn(struct events *events);

static void end(struct follower *follower)
{
    if (follower->over)
        return;
    follower->over = true;
    http_stream_end(follower->request);
}

/* ---- one look for all ---- */

static void on_look(void *context, enum err err, const Bus__Reply *reply)
{
    struct looking *looking = context;
    struct events *events = looking->events;
    uint64_t *newest = &events->newest.ids[looking - events->looking];
    looking->under_way = false;
    bool good = !err && reply->kind_case == BUS__REPLY__KIND_QUERY && !reply->query->refused &&
                reply->query->payload_case == HB__QUERY_REPLY__PAYLOAD_ANALYTICS &&
                reply->query->analytics->kind_case == ANALYTICS__REPLY__KIND_CHANGES;
    if (!good || reply->query->analytics->changes->newest == *newest)
        return;
    *newest = reply->query->analytics->changes->newest;
    for (struct follower *follower = events->followers; follower; follower = follower->next)
        follower->due = true;
    ask_in_turn(events);
}

static void look(struct events *events, unsigned ring)
{
    Bus__Request message = BUS__REQUEST__INIT;
    Hb__Query query = HB__QUERY__INIT;
    Analytics__Query analytics = ANALYTICS__QUERY__INIT;
    Analytics__GetChanges get = ANALYTICS__GET_CHANGES__INIT;
    get.after = events->newest.ids[ring];
    get.limit = 1;
    message.kind_case = BUS__REQUEST__KIND_QUERY;
    message.query = &query;
    query.payload_case = HB__QUERY__PAYLOAD_ANALYTICS;
    query.analytics = &analytics;
    analytics.kind_case = ANALYTICS__QUERY__KIND_CHANGES;
    analytics.changes = &get;
    events->looking[ring] = (struct looking){events, true};
    cell_ask_at(events->gateway, HB__SERVICE__ANALYTICS, ring, &message, on_look, &events->looking[ring]);
}

static void write_text(struct follower *follower, const char *text)
{
    follower->wants = false;
    follower->written_ms = gateway_now_ms();
    http_stream_write(follower->request, bytes_of_text(text));
}

static void on_timer(struct ev_loop *loop, ev_timer *watcher, int revents)
{
    (void)loop;
    (void)revents;
    struct events *events = watcher->data;
    int64_t now = gateway_now_ms();
    size_t rings = cell_partitions(events->gateway, HB__SERVICE__ANALYTICS);
    for (unsigned i = 0; i < rings && i < EVENTS_RINGS_MAX; i++)
        if (!events->looking[i].under_way)
            look(events, i);
    for (struct follower *follower = events->followers, *next; follower; follower = next) {
        next = follower->next;
        if (now >= follower->until_ms)
            end(follower);
        if (follower->over)
            continue;
        if (follower->wants && now - follower->written_ms >= EVENTS_KEEP_ALIVE_MS)
            write_text(follower, ": keep-alive\n\n");
    }
    ask_in_turn(events);
}

/* ---- one follower ---- */

static void write_changes(struct follower *follower, const struct events_page *page)
{
    struct arena *arena = &follower->request->arena;
    if (page->forgotten)
        write_text(follower, "event: reset\ndata: {}\n\n"); /* load afresh what you show */
    for (size_t i = 0; i < page->count; i++) {
        json_t *json = events_json(follower->request, page->changes[i], &page->places[i]);
        char *data = json_dumps(json, JSON_COMPACT);
        bug_unless(data);
        write_text(follower,
                   arena_printf(arena, "id: %s\nevent: %s\ndata: %s\n\n", events_place_text(arena, &page->places[i]),
                                page->changes[i]->case_id ? "case" : "held", data));
        free(data);
        json_decref(json);
    }
}

static void take_page(struct follower *follower, const Hb__Refusal *refused, const struct events_page *page)
{
    if (refused && refused->status != 503) {
        end(follower); /* the account has lost the right */
        return;
    }
    if (refused) {
        follower->due = true;
    } else {
        write_changes(follower, page);
        follower->after = page->next;
        follower->due = follower->due || page->more;
    }
    arena_return(&follower->request->arena, follower->mark);
}

static void on_page(struct http_request *request, void *context, const Hb__Refusal *refused,
                    const struct events_page *page)
{
    struct follower *follower = context;
    struct events *events = request->gateway->events;
    follower->asking = false;
    events->asking--;
    if (!http_stream_gone(request) && !follower->over)
        take_page(follower, refused, page);
    if (!refused || refused->status != 503) /* analytics is away: the timer asks again */
        ask_in_turn(events);
}

static void ask(struct follower *follower)
{
    follower->asking = true;
    follower->due = false;
    follower->request->gateway->events->asking++;
    follower->mark = arena_mark(&follower->request->arena);
    events_ask(follower->request, &follower->after, EVENTS_PAGE_MAX, on_page, follower);
}

static void unlink_follower(struct events *events, struct follower *follower)
{
    *follower->before = follower->next;
    *(follower->next ? &follower->next->before : &events->end) = follower->before;
}

static void link_last(struct events *events, struct follower *follower)
{
    follower->next = NULL;
    follower->before = events->end;
    *events->end = follower;
    events->end = &follower->next;
}

static void ask_in_turn(struct events *events)
{
    for (struct follower *follower = events->followers, *next; follower && events->asking < ASKING_MAX;
         follower = next) {
        next = follower->next;
        if (!follower->wants || !follower->due || follower->asking || follower->over)
            continue;
        unlink_follower(events, follower);
        link_last(events, follower);
        ask(follower);
    }
}

static void on_pull(void *context)
{
    struct follower *follower = context;
    follower->wants = true;
    ask_in_turn(follower->request->gateway->events);
}

static void on_gone(void *context)
{
    struct follower *follower = context;
    struct events *events = follower->request->gateway->events;
    unlink_follower(events, follower);
    if (!events->followers)
        ev_timer_stop(events->gateway->loop, &events->timer);
}

static void add(struct events *events, struct follower *follower)
{
    link_last(events, follower);
    if (!ev_is_active(&events->timer))
        ev_timer_again(events->gateway->loop, &events->timer);
}

/* ---- beginning ---- */

/* Each change is asked for by each follower: a few may not make the work of thousands. */
static bool has_room(const struct http_request *request)
{
    unsigned own = 0;
    for (const struct follower *follower = request->gateway->events->followers; follower; follower = follower->next)
        own += !follower->over && strcmp(follower->request->actor->account, request->actor->account) == 0;
    return own < EVENTS_FOLLOWERS_MAX;
}

static void refuse_crowd(struct http_request *request)
{
    Hb__Refusal *refusal = problem_new(request, 429, "too_many_streams", "该账号的实时连接过多，请先关闭一些",
                                       "this account follows changes too often at once: close some");
    refusal->retry_after_s = 30;
    problem_respond(request, refusal);
}

struct beginning {
    struct events_place after;
    bool from_now;
};

/* The first answer shows that analytics is there, and where the ring ends now. */
static void begin(struct http_request *request, void *context, const Hb__Refusal *refused,
                  const struct events_page *page)
{
    const struct beginning *beginning = context;
    if (refused) {
        problem_respond(request, refused);
        return;
    }
    if (!has_room(request)) {
        refuse_crowd(request);
        return;
    }
    struct follower *follower = arena_zero(&request->arena, sizeof *follower);
    follower->request = request;
    follower->after = beginning->from_now ? page->newest : beginning->after;
    follower->until_ms = gateway_now_ms() + EVENTS_LIFE_MS;
    if (request->known_until_ms && request->known_until_ms < follower->until_ms)
        follower->until_ms = request->known_until_ms;
    follower->due = true; /* what changed while we were not on the list */
    add(request->gateway->events, follower);
    http_set(request, "X-Accel-Buffering", "no"); /* a proxy in between passes each event on at once */
    http_stream(request, 200, "text/event-stream; charset=utf-8", on_pull, on_gone, follower);
    write_text(follower, arena_printf(&request->arena, "retry: 3000\nid: %s\nevent: ready\ndata: {}\n\n",
                                      events_place_text(&request->arena, &follower->after)));
}

void events_follow(struct http_request *request, const struct events_place *after, bool from_now)
{
    struct beginning *beginning = arena_alloc(&request->arena, sizeof *beginning);
    *beginning = (struct beginning){*after, from_now};
    events_ask(request, after, 1, begin, beginning);
}

void events_end_of(struct gateway *gateway, const char *account)
{
    for (struct follower *follower = gateway->events->followers, *next; follower; follower = next) {
        next = follower->next;
        if (follower->request->actor && strcmp(follower->request->actor->account, account) == 0)
            end(follower);
    }
}

struct events *events_open(struct gateway *gateway)
{
    struct events *events = arena_zero(&gateway->arena, sizeof *events);
    events->gateway = gateway;
    events->end = &events->followers;
    ev_init(&events->timer, on_timer);
    events->timer.repeat = EVENTS_LOOK_S;
    events->timer.data = events;
    return events;
}
