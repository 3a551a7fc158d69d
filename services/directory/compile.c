/* From the names of packs to a packed policy. Files of the command stand before shipped ones of the same pack; what
   they extend is found in both. */
#include "policy/compile.h"
#include "calendar/calendar.h"
#include "credentials.h"
#include "message/message.h"

struct gathered {
    struct turn *turn;
    const Directory__PublishPolicy *publish;
    const char **names; /* packs to be read from the shipped ones */
    size_t names_count;
    struct policy_source *sources;
    size_t count;
};

static void refuse_field(struct turn *turn, uint32_t status, const char *code, const char *field, const char *zh,
                         const char *en)
{
    refusal_field(turn, turn_refuse(turn, status, code, zh, en), field);
}

static bool of_pack(const char *path, const char *pack)
{
    size_t size = strlen(pack);
    return strncmp(path, pack, size) == 0 && path[size] == '/';
}

/* Is the pack of this path (or name) among the files of the command? */
static bool brought(const struct gathered *gathered, const char *path)
{
    size_t size = strcspn(path, "/");
    char *pack = arena_text(turn_arena(gathered->turn), path, size);
    for (size_t i = 0; i < gathered->publish->n_sources; i++)
        if (of_pack(gathered->publish->sources[i]->path, pack))
            return true;
    return false;
}

static void want(struct gathered *gathered, const char *name)
{
    if (brought(gathered, name))
        return;
    gathered->names =
        arena_grow(turn_arena(gathered->turn), gathered->names, gathered->names_count, sizeof *gathered->names);
    gathered->names[gathered->names_count++] = name;
}

/* `extends: NAME` at the beginning of a line; the compiler reads it properly later. */
static void want_base(struct gathered *gathered, const char *text)
{
    static const char word[] = "extends:";
    for (const char *at = text; at; at = strchr(at, '\n')) {
        at += *at == '\n';
        if (strncmp(at, word, sizeof word - 1) != 0)
            continue;
        at += sizeof word - 1;
        at += strspn(at, " \"'");
        size_t size = strcspn(at, " \"'#\r\n");
        want(gathered, arena_text(turn_arena(gathered->turn), at, size));
    }
}

static void add_source(struct gathered *gathered, struct policy_source source)
{
    gathered->sources =
        arena_grow(turn_arena(gathered->turn), gathered->sources, gathered->count, sizeof *gathered->sources);
    gathered->sources[gathered->count++] = source;
}

static bool gather(struct gathered *gathered)
{
    const Directory__PublishPolicy *publish = gathered->publish;
    struct arena *arena = turn_arena(gathered->turn);
    const char *folder = turn_policies_folder(gathered->turn);
    for (size_t i = 0; i < publish->n_packs; i++)
        want(gathered, publish->packs[i]);
    for (size_t i = 0; i < publish->n_sources; i++) {
        want_base(gathered, publish->sources[i]->text);
        add_source(gathered,
                   (struct policy_source){publish->sources[i]->path, bytes_of_text(publish->sources[i]->text)});
    }
    struct policy_source *shipped = NULL;
    size_t shipped_count = 0;
    if (folder && policy_read_folder(folder, gathered->names, gathered->names_count, arena, &shipped, &shipped_count)) {
        turn_refuse(gathered->turn, 503, "io", "无法读取制度文件", "the policy files cannot be read");
        return false;
    }
    for (size_t i = 0; i < shipped_count; i++) /* a shipped pack may extend one that was brought along */
        if (!brought(gathered, shipped[i].path))
            add_source(gathered, shipped[i]);
    return true;
}

/* ---- what is wrong ---- */

static void add_mistake(struct turn *turn, Hb__Refusal *refusal, const struct policy_mistake *mistake)
{
    struct arena *arena = turn_arena(turn);
    const char *place = *mistake->file && mistake->line ? arena_printf(arena, "%s:%u: ", mistake->file, mistake->line)
                        : *mistake->file                ? arena_printf(arena, "%s: ", mistake->file)
                                                        : "";
    const char *field = mistake->field ? mistake->field : "";
    const char *colon = *field ? ": " : "";
    refusal_problem(turn, refusal, field, "", arena_printf(arena, "%s%s%s%s", place, field, colon, mistake->zh),
                    arena_printf(arena, "%s%s%s%s", place, field, colon, mistake->message));
}

static bool refuse_mistakes(struct turn *turn, const struct policy_result *result)
{
    size_t wrong = 0;
    for (size_t i = 0; i < result->count; i++)
        wrong += !result->mistakes[i].warning;
    if (!wrong)
        return false;
    Hb__Refusal *refusal =
        turn_refuse(turn, 422, "policy_mistakes", arena_printf(turn_arena(turn), "制度文件有 %zu 处错误", wrong),
                    arena_printf(turn_arena(turn), "the policy has %zu mistakes", wrong));
    for (size_t i = 0; i < result->count && refusal->n_problems < DIRECTORY_PROBLEMS_MAX; i++)
        if (!result->mistakes[i].warning)
            add_mistake(turn, refusal, &result->mistakes[i]);
    return true;
}

/* What is kept is written into a folder later, when others are compared with it. */
static void check_paths(struct turn *turn, const Directory__PublishPolicy *publish)
{
    for (size_t i = 0; i < publish->n_sources && !turn_refused(turn); i++)
        if (!policy_is_source(publish->sources[i]->path))
            refuse_field(turn, 422, "bad_field", arena_printf(turn_arena(turn), "sources[%zu].path", i),
                         "文件名无效：须为 包名/文件.yaml，名称由文字、数字和 . _ - 组成",
                         "PACK/FILE.yaml is accepted, of letters, digits and . _ -");
}

static bool acceptable(struct turn *turn, const Directory__PublishPolicy *publish)
{
    size_t bytes = 0;
    for (size_t i = 0; i < publish->n_sources; i++)
        bytes += strlen(publish->sources[i]->text);
    if (publish->n_packs == 0)
        refuse_field(turn, 422, "missing_field", "packs", "请指定制度包", "name the packs");
    else if (publish->n_packs > DIRECTORY_PACKS_MAX)
        refuse_field(turn, 413, "too_large", "packs", "一个站点最多 16 个制度包", "a site has at most 16 packs");
    else if (bytes > DIRECTORY_SOURCES_BYTES_MAX)
        refuse_field(turn, 413, "too_large", "sources", "制度文件总计最多 2 MiB",
                     "the files have at most 2 MiB together");
    for (size_t i = 0; i < publish->n_packs && !turn_refused(turn); i++)
        if (!policy_is_name(publish->packs[i], strlen(publish->packs[i])))
            refuse_field(turn, 422, "bad_field", "packs", "制度包名无效", "this is no name of a pack");
    check_paths(turn, publish);
    return !turn_refused(turn);
}

/* ---- the calendars it counts by ---- */

/* Calendars ship beside the packs, unless the configuration says otherwise. */
static const char *calendar_path(struct turn *turn, const char *name)
{
    const char *folder = turn_calendars_folder(turn), *packs = turn_policies_folder(turn);
    if (folder)
        return arena_printf(turn_arena(turn), "%s/%s.json", folder, name);
    return packs ? arena_printf(turn_arena(turn), "%s/../calendars/%s.json", packs, name) : NULL;
}

static void load_calendar(struct turn *turn, Directory__PublishPolicy *publish, const char *name)
{
    if (!*name || organisation_calendar_definition(turn, name))
        return;
    for (size_t i = 0; i < publish->n_calendars; i++)
        if (strcmp(publish->calendars[i]->name, name) == 0)
            return;
    bool plain = !strchr(name, '/') && *name != '.' && strlen(name) <= DIRECTORY_ID_CHARACTERS_MAX;
    const char *path = plain ? calendar_path(turn, name) : NULL;
    Calendar__Calendar *calendar = NULL;
    char *why = NULL;
    enum err err = path ? calendar_load(path, turn_arena(turn), &calendar, &why) : ERR_NOT_FOUND;
    if (!err && strcmp(calendar->name, name) == 0) {
        publish->calendars =
            arena_grow(turn_arena(turn), publish->calendars, publish->n_calendars, sizeof *publish->calendars);
        publish->calendars[publish->n_calendars++] = calendar;
        return;
    }
    /* without it deadlines would silently be counted wrong */
    Hb__Refusal *refusal = turn_refuse(turn, 422, "unknown_calendar", "制度所用的日历尚未定义",
                                       "the policy counts by a calendar that is not defined");
    const char *text =
        arena_printf(turn_arena(turn), "calendar \"%s\": %s; define it with Organise first", name,
                     err == ERR_MALFORMED && why ? why : "not known here, and none of that name is shipped");
    refusal_problem(turn, refusal, "calendar", "", text, text);
}

static void load_calendars(struct turn *turn, Directory__PublishPolicy *publish, const Policy__Policy *policy)
{
    load_calendar(turn, publish, policy->calendar);
    for (size_t k = 0; k < policy->n_kinds; k++) {
        for (size_t c = 0; c < policy->kinds[k]->n_clocks; c++) {
            const Policy__Clock *clock = policy->kinds[k]->clocks[c];
            if (clock->options)
                load_calendar(turn, publish, clock->options->calendar);
            for (size_t r = 0; r < clock->n_limit; r++)
                if (clock->limit[r]->options)
                    load_calendar(turn, publish, clock->limit[r]->options->calendar);
        }
    }
}

/* What every service will do with it, tried here: what cannot be unpacked must never be published. */
static bool fits(struct turn *turn, struct bytes packed)
{
    ProtobufCMessage *message;
    char *why = NULL;
    if (packed.size <= DIRECTORY_POLICY_BYTES_MAX &&
        !message_unpack(&policy__policy__descriptor, packed, turn_arena(turn), &message, &why))
        return true;
    turn_refuse(turn, 413, "too_large", "编译后的制度过大（最多 2 MiB）",
                arena_printf(turn_arena(turn), "the compiled policy is too large (at most 2 MiB)%s%s", why ? ": " : "",
                             why ? why : ""));
    return false;
}

static bool of_policy(const Policy__Policy *policy, const char *path)
{
    for (size_t i = 0; i < policy->n_packs; i++)
        if (of_pack(path, policy->packs[i]->name))
            return true;
    return false;
}

/* Those it was made of, not all that came along. */
static void keep_sources(const struct gathered *gathered, const Policy__Policy *policy, struct bytes packed)
{
    struct turn *turn = gathered->turn;
    Dirrec__Sources kept = DIRREC__SOURCES__INIT;
    const Directory__PublishPolicy *publish = gathered->publish;
    kept.at_ms = publish->coming ? directory_day_begins(turn, publish->site, publish->coming->day) : turn_now(turn);
    kept.sources = arena_alloc(turn_arena(turn), (gathered->count + 1) * sizeof *kept.sources);
    for (size_t i = 0; i < gathered->count; i++) {
        const struct policy_source *source = &gathered->sources[i];
        if (!of_policy(policy, source->path))
            continue;
        Directory__Source *one = kept.sources[kept.n_sources++] =
            TURN_NEW(turn, Directory__Source, directory__source__init);
        one->path = (char *)(uintptr_t)source->path;
        one->text = arena_text(turn_arena(turn), (const char *)source->text.data, source->text.size);
    }
    directory_sources_keep(turn, publish->site, packed, &kept);
}

/* ---- the day it takes effect ---- */

static bool read_from(struct turn *turn, const Directory__PublishPolicy *publish, int32_t today, int32_t *day_out)
{
    bool read = !*publish->from || date_parse(publish->from, day_out);
    if (!read)
        refuse_field(turn, 422, "bad_field", "from", "施行日须为日期，如 2027-01-01",
                     "the day it takes effect is written 2027-01-01");
    else if (*publish->from && *day_out < today)
        refuse_field(turn, 422, "bad_field", "from", "施行日已过", "this day has passed");
    return !turn_refused(turn);
}

/* It waits for the day that was asked for, and for what its packs say. */
static bool set_day(struct turn *turn, Directory__PublishPolicy *publish, const Policy__Policy *policy)
{
    int year, month, day_of_month;
    int32_t date, today = date_of_local(zone_local_ms(organisation_zone(turn, publish->site), turn_now(turn)));
    int32_t day = today;
    if (!read_from(turn, publish, today, &day))
        return false;
    for (size_t i = 0; i < policy->n_packs && !publish->ahead; i++)
        if (date_parse(policy->packs[i]->in_force, &date) && date > day)
            day = date;
    if (day <= today)
        return true;
    date_split(day, &year, &month, &day_of_month);
    publish->coming = TURN_NEW(turn, Directory__ComingPolicy, directory__coming_policy__init);
    publish->coming->day = arena_printf(turn_arena(turn), "%04d-%02d-%02d", year, month, day_of_month);
    return true;
}

void directory_compile(struct turn *turn, Directory__PublishPolicy *publish)
{
    struct gathered gathered = {.turn = turn, .publish = publish};
    struct policy_result result;
    if (!acceptable(turn, publish) || !gather(&gathered))
        return;
    policy_compile(gathered.sources, gathered.count, (const char *const *)publish->packs, publish->n_packs,
                   turn_arena(turn), &result);
    policy_check(&result, turn_arena(turn));
    if (refuse_mistakes(turn, &result) || !set_day(turn, publish, result.policy))
        return;
    result.policy->site = publish->site;
    load_calendars(turn, publish, result.policy);
    struct bytes packed = message_pack((const ProtobufCMessage *)result.policy, turn_arena(turn));
    if (turn_refused(turn) || !fits(turn, packed))
        return;
    keep_sources(&gathered, result.policy, packed);
    publish->compiled = (ProtobufCBinaryData){packed.size, (uint8_t *)(uintptr_t)packed.data};
    publish->n_sources = 0; /* decide needs the outcome only */
}
