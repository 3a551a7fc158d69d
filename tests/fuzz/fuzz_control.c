/* What whoever holds a key may send to a service beside commands: control, seal, fetch, and what only a link
   understands, with any rights, into a real intake with its vault. Every request is answered once; without the right it
   is refused; no snapshot without a hold; what was sealed shows nothing of its text and opens again; nothing of this
   says an event. */
#include "../unit/support/folder.h"
#include "fuzz.h"

#include "message/message.h"
#include "service/instance.h"
#include "vault/vault.h"

#include <stdio.h>
#include <stdlib.h>

#define CALLS_MAX 64u
#define START_MS 1741570200000ll

extern const struct service intake_service;

static const char *const words[] = {
    "text", "party.name", "", "poison/intake-0/1", "poison/", "haitang", "complaint", "admin", "\x7f", "*", NULL};

static struct world {
    struct arena arena;
    struct instance *instance;
    int64_t now;
    unsigned calls;
    struct call {
        const Bus__Request *request;
        uint32_t rights;
        unsigned answered;
    } list[CALLS_MAX];
    bool holding;
    int64_t held_until;
} world;

/* ---- the world around it ---- */

static int64_t world_now(void *context)
{
    (void)context;
    return world.now;
}

static void world_random(void *context, uint8_t *out, size_t size)
{
    static uint8_t next;
    (void)context;
    for (size_t i = 0; i < size; i++)
        out[i] = (uint8_t)(next++ * 167 + 13);
}

static void world_ask(void *context, Hb__Service service, uint32_t partition, Bus__Request *request,
                      uint32_t timeout_ms, bus_done_fn *done, void *done_context)
{
    (void)context;
    (void)service;
    (void)partition;
    (void)request;
    (void)timeout_ms;
    (void)done;
    (void)done_context;
    must(!"it hears nobody and asks nobody");
}

static void world_wake(void *context)
{
    (void)context;
}

/* ---- what must hold of an answer ---- */

static void check_sealed(const Bus__Seal *seal, const Bus__SealReply *reply)
{
    must(reply->n_sealed == seal->n_items && !reply->refused);
    for (size_t i = 0; i < seal->n_items; i++) {
        char *text = NULL;
        const Hb__Sealed *box = reply->sealed[i];
        size_t size = strlen(seal->items[i]->plain);
        must(size < 8 || !memmem(box->box.data, box->box.len, seal->items[i]->plain, size));
        must(vault_open(instance_vault(world.instance), box, &world.arena, &text) == ERR_NONE);
        must(strcmp(text, seal->items[i]->plain) == 0);
    }
}

static uint32_t needed(const Bus__Request *request)
{
    switch (request->kind_case) {
    case BUS__REQUEST__KIND_FETCH:
        return BUS_RIGHT_FETCH;
    case BUS__REQUEST__KIND_COMMAND:
        return BUS_RIGHT_COMMAND;
    case BUS__REQUEST__KIND_QUERY:
        return BUS_RIGHT_QUERY;
    case BUS__REQUEST__KIND_SEAL:
        return BUS_RIGHT_SEAL;
    case BUS__REQUEST__KIND_CONTROL:
        if (request->control->what == BUS__CONTROL__WHAT__POSITION)
            return BUS_RIGHT_CONTROL | BUS_RIGHT_QUERY | BUS_RIGHT_FETCH;
        return BUS_RIGHT_CONTROL | (request->control->what == BUS__CONTROL__WHAT__STATUS ? BUS_RIGHT_QUERY : 0);
    case BUS__REQUEST__KIND_POLL:
    case BUS__REQUEST__KIND_DELIVER:
    case BUS__REQUEST__KIND__NOT_SET:
        break;
    }
    return 0;
}

static void check_control(const Bus__Control *control, const Bus__ControlReply *reply)
{
    bool snapshot = control->what == BUS__CONTROL__WHAT__SNAPSHOT && *control->path;
    must(!snapshot || world.holding);
    if (reply->position)
        message_pack(&reply->position->base, &world.arena);
    if (control->what == BUS__CONTROL__WHAT__HOLD) {
        world.holding = true;
        world.held_until = world.now + 5000;
    }
    if (control->what == BUS__CONTROL__WHAT__RESUME)
        world.holding = false;
}

static void world_reply(void *context, const struct bus_call *made, Bus__Reply *reply)
{
    (void)context;
    struct call *call = &world.list[made->request_id];
    must(made->request_id < world.calls && call->answered++ == 0);
    message_pack(&reply->base, &world.arena);
    if (reply->kind_case == BUS__REPLY__KIND_REFUSED) {
        const Hb__Refusal *refusal = reply->refused;
        must(refusal->status >= 400 && refusal->status < 600 && *refusal->code);
        must(refusal->text && *refusal->text->zh && *refusal->text->en);
        return;
    }
    must(call->rights & needed(call->request)); /* else it had to be refused */
    if (reply->kind_case == BUS__REPLY__KIND_SEAL)
        check_sealed(call->request->seal, reply->seal);
    if (reply->kind_case == BUS__REPLY__KIND_CONTROL)
        check_control(call->request->control, reply->control);
}

/* ---- what comes in ---- */

/* Of one input. */
static const char *folder(void)
{
    return arena_printf(&world.arena, "%s/world", fuzz_folder());
}

/* A folder of this process's own, whatever the input says. */
static char *draw_path(struct draw *draw)
{
    if (draw_below(draw, 4) == 0)
        return arena_strdup(&world.arena, "");
    char *name = draw_text(draw, words, 12, &world.arena);
    for (char *at = name; *at; at++)
        *at = *at == '/' ? '_' : *at;
    return arena_printf(&world.arena, "%s/copy-%s", folder(), name);
}

static void control_to(struct draw *draw, Bus__Request *request)
{
    Bus__Control *control = arena_alloc(&world.arena, sizeof *control);
    bus__control__init(control);
    request->kind_case = BUS__REQUEST__KIND_CONTROL;
    request->control = control;
    unsigned what = draw_below(draw, 20);
    control->what = what < 12   ? (Bus__Control__What)what
                    : what < 16 ? BUS__CONTROL__WHAT__HOLD
                                : BUS__CONTROL__WHAT__SNAPSHOT;
    control->path = draw_path(draw);
    control->key = draw_text(draw, words, 40, &world.arena);
}

static void seal_to(struct draw *draw, Bus__Request *request)
{
    Bus__Seal *seal = (Bus__Seal *)draw_message(draw, &bus__seal__descriptor, words, &world.arena);
    uint64_t key = 0;
    request->kind_case = BUS__REQUEST__KIND_SEAL;
    request->seal = seal;
    bool known = draw_below(draw, 4);
    for (size_t i = 0; i < seal->n_items && known; i++)
        if (vault_take(instance_vault(world.instance), &key) == ERR_NONE)
            seal->items[i]->key_id = key;
}

static void call(struct draw *draw)
{
    Bus__Request *request = arena_alloc(&world.arena, sizeof *request);
    unsigned how = draw_below(draw, 8);
    bus__request__init(request);
    if (how < 4) {
        control_to(draw, request);
    } else if (how == 4) {
        seal_to(draw, request);
    } else {
        request = (Bus__Request *)draw_message(draw, &bus__request__descriptor, words, &world.arena);
        if (request->kind_case == BUS__REQUEST__KIND_CONTROL)
            request->control->path = draw_path(draw);
    }
    uint32_t rights = draw_below(draw, 3) ? 0x7f & ~(unsigned)BUS_RIGHT_CELL : draw_byte(draw) & 0x7fu;
    struct bus_call made = {.request_id = world.calls, .rights = rights, .user = "operator"};
    world.list[world.calls++] = (struct call){request, rights, 0};
    struct bytes stored = message_pack(&request->base, &world.arena);
    fuzz_memory_begin();
    instance_serve(world.instance, &made, request, stored);
    fuzz_memory_end(stored.size);
}

static void step(unsigned most)
{
    enum err fatal = ERR_NONE;
    world.holding = world.holding && world.now < world.held_until; /* a hold ends by itself, at a step */
    while (most-- && instance_step(world.instance, &fatal))
        ;
    must(fatal == ERR_NONE);
}

static void open_intake(const struct env *env)
{
    struct instance_options options = {
        .folder = arena_printf(&world.arena, "%s/intake", folder()),
        .epoch_keys_folder = arena_printf(&world.arena, "%s/epoch", folder()),
        .cell = 9,
        .no_sync = true,
        .map_bytes = 64u << 20,
    };
    char why[512];
    enum err err = instance_open(&intake_service, &options, env, &world.instance, why, sizeof why);
    if (err)
        dprintf(2, "%s\n", why);
    must(err == ERR_NONE);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct env env = {NULL,        world_now,  world_now, world_random, world_ask,
                                   world_reply, world_wake, NULL,      NULL};
    struct draw draw = draw_of(data, size);
    char why[512];
    memset(&world, 0, sizeof world);
    world.now = START_MS;
    arena_init(&world.arena);
    must(mkdir(folder(), 0700) == 0);
    open_intake(&env);
    step(100);
    while (draw_more(&draw) && world.calls < CALLS_MAX && !instance_stopping(world.instance)) {
        call(&draw);
        if (draw_below(&draw, 3))
            step(1 + draw_below(&draw, 50));
        world.now += draw_below(&draw, 4) ? 5 : draw_byte(&draw) * 50;
    }
    bool stopping = instance_stopping(world.instance);
    for (unsigned i = 0; i < 20 && !stopping; i++) { /* the longest anything waits */
        world.now += 2000;
        step(1000);
    }
    for (unsigned i = 0; i < world.calls; i++)
        must(world.list[i].answered == 1 || stopping);
    must(instance_log_verify(world.instance, why, sizeof why) == ERR_NONE);
    instance_close(world.instance);
    must(folder_remove(folder()));
    arena_fini(&world.arena);
    return 0;
}
