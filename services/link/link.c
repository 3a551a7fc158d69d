/* Who asks, and whom it is passed to. */
#include "relay.h"

#include "metrics/metrics.h"

#include <inttypes.h>
#include <stdlib.h>
#include <time.h>

int64_t link_boot_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_BOOTTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

uint64_t link_cell_id(const Config__Cell *cell)
{
    return strtoull(cell->cell, NULL, 16);
}

void link_refuse(const struct bus_call *call, uint32_t status, const char *code, const char *zh, const char *en)
{
    bus_refuse(call, status, code, zh, en);
}

static struct bus_peer *local_of(struct link *link, Hb__Service service, uint32_t partition)
{
    const Config__Instance *instance = config_instance(link->config, service, partition);
    struct bus_peer *peer;
    for (unsigned i = 0; i < link->locals_count; i++)
        if (link->locals[i].instance == instance)
            return link->locals[i].peer;
    if (!instance || service >= HB__SERVICE__GATEWAY || link->locals_count == CONFIG_INSTANCES_MAX ||
        bus_connect(link->bus, instance, &peer))
        return NULL;
    link->locals[link->locals_count].instance = instance;
    link->locals[link->locals_count++].peer = peer;
    return peer;
}

bool link_fetch_here(struct link *link, const Bus__Fetch *fetch, const char *reader, bus_done_fn *done, void *context)
{
    struct bus_peer *peer = local_of(link, fetch->log->service, fetch->log->partition);
    Bus__Request request = BUS__REQUEST__INIT;
    Bus__Fetch asked = *fetch;
    if (!peer)
        return false;
    request.kind_case = BUS__REQUEST__KIND_FETCH;
    request.fetch = &asked;
    asked.reader = (char *)(uintptr_t)reader;
    if (!asked.bytes_max || asked.bytes_max > LINK_FETCH_BYTES_MAX)
        asked.bytes_max = LINK_FETCH_BYTES_MAX;
    bus_request(peer, &request, LINK_ASK_MS, done, context);
    return true;
}

bool link_answers_fetch(const Bus__Reply *reply)
{
    return reply->kind_case == BUS__REPLY__KIND_FETCHED || reply->kind_case == BUS__REPLY__KIND_REFUSED;
}

/* ---- requests ---- */

static void from_cell(struct link *link, const struct bus_call *call, const Bus__Request *request)
{
    switch (request->kind_case) {
    case BUS__REQUEST__KIND_POLL:
        below_poll(link, call, request->poll);
        return;
    case BUS__REQUEST__KIND_DELIVER:
        below_deliver(link, call, request->deliver);
        return;
    case BUS__REQUEST__KIND_FETCH:
        below_fetch(link, call, request->fetch);
        return;
    case BUS__REQUEST__KIND_COMMAND:
    case BUS__REQUEST__KIND_QUERY:
    case BUS__REQUEST__KIND_SEAL:
    case BUS__REQUEST__KIND_CONTROL:
    case BUS__REQUEST__KIND__NOT_SET:
        break;
    }
    link_refuse(call, 403, "not_allowed", "其他系统只能接收事件", "another cell may hear events, and nothing else");
}

static void fetch_for_us(struct link *link, const struct bus_call *call, const Bus__Fetch *fetch)
{
    uint64_t cell = fetch->log ? fetch->log->cell : 0;
    if (below_knows(link, cell))
        below_want(link, call, fetch);
    else if (cell && cell == above_cell(link))
        above_fetch(link, call, fetch);
    else
        link_refuse(call, 404, "unknown_cell", "配置中没有这个系统", "the configuration names no such cell");
}

static void report(struct link *link, const struct bus_call *call, const Bus__Control *control)
{
    struct arena *arena = &link->passing;
    Bus__Reply reply = BUS__REPLY__INIT;
    Bus__ControlReply answer = BUS__CONTROL_REPLY__INIT;
    Bus__PositionReport position = BUS__POSITION_REPORT__INIT;
    Hb__LogId log = HB__LOG_ID__INIT;
    reply.kind_case = BUS__REPLY__KIND_CONTROL;
    reply.control = &answer;
    answer.position = &position;
    log.cell = link->cell;
    log.service = HB__SERVICE__LINK;
    position.log = &log;
    position.health = (char *)(uintptr_t) "ready"; /* a cell that is away holds nobody up */
    above_report(link, arena, &position);
    below_report(link, arena, &position);
    if (control->what == BUS__CONTROL__WHAT__STATUS)
        answer.text = metrics_print(link->metrics, arena);
    bus_reply(call, &reply);
    arena_reset(arena);
}

void link_serve(void *context, const struct bus_call *call, const Bus__Request *request, struct bytes stored)
{
    struct link *link = context;
    (void)stored;
    bool control = request->kind_case == BUS__REQUEST__KIND_CONTROL;
    bool position = control && request->control->what == BUS__CONTROL__WHAT__POSITION;
    bool looks = position || (control && request->control->what == BUS__CONTROL__WHAT__STATUS);
    uint32_t lookers = BUS_RIGHT_QUERY | BUS_RIGHT_CONTROL | (position ? BUS_RIGHT_FETCH : 0); /* hearback health */
    if (call->rights & BUS_RIGHT_CELL)
        from_cell(link, call, request);
    else if (looks && (call->rights & lookers))
        report(link, call, request->control);
    else if (request->kind_case == BUS__REQUEST__KIND_FETCH && (call->rights & BUS_RIGHT_FETCH))
        fetch_for_us(link, call, request->fetch);
    else
        link_refuse(call, 403, "not_allowed", "该密钥无此权限，或连接服务不支持此请求",
                    "this key has no right to do that, or a link does not do it");
}
