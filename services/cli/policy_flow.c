/* `hearback policy flow PACK KIND`: the flow chart of a kind, drawn from its stages and steps (PROP-COMPLAINT-26).
   A step is an arrow with its name and who takes it; the colour of a stage is that of its phase. Graphviz lays it out.
 */
#include "rehearse.h"

#include "policy/lookup.h"
#include "policy/words.h"
#include "rehearse_scenario.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>

#define LABEL_LINE_BYTES 30u

struct flow {
    struct cli *cli;
    const Policy__Policy *policy;
    const Policy__Kind *kind;
    bool english;
    FILE *out;
};

static const char *said(const struct flow *flow, const Hb__Label *label, const char *name)
{
    const char *text = !label ? "" : flow->english ? label->en : label->zh;
    return *text ? text : name;
}

/* Within quotes DOT knows the escapes \" \\ \n; names and labels are the policy's writer's own. */
static void quoted(const struct flow *flow, const char *text)
{
    fputc('"', flow->out);
    for (; *text; text++) {
        if (*text == '"' || *text == '\\')
            fputc('\\', flow->out);
        fputc(*text, flow->out);
    }
    fputc('"', flow->out);
}

/* The site's, and what departments that lead have instead. */
static const char *takers(const struct flow *flow, const Policy__Step *step)
{
    struct arena *arena = &flow->cli->arena;
    const char *all = policy_whos_text(arena, flow->policy, step->by, step->n_by, flow->english, NULL);
    for (size_t i = 0; i < step->n_department_by; i++) {
        const Policy__StepBy *own = step->department_by[i];
        all = arena_printf(arena, flow->english ? "%s; where %s leads: %s" : "%s；%s 主办时：%s", all, own->department,
                           policy_whos_text(arena, flow->policy, own->by, own->n_by, flow->english, NULL));
    }
    return all;
}

/* Broken behind a comma where a line has become long: labels stand side by side. */
static const char *in_lines(const struct flow *flow, const char *text)
{
    static const char *const breaks[] = {", ", "、", "；", " or "};
    char *out = "";
    size_t line = 0;
    for (const char *at = text; *at;) {
        size_t size = 1;
        bool comma = false;
        for (size_t i = 0; i < sizeof breaks / sizeof *breaks && !comma; i++)
            if ((comma = strncmp(at, breaks[i], strlen(breaks[i])) == 0))
                size = strlen(breaks[i]);
        line += size;
        bool full = comma && line > LABEL_LINE_BYTES;
        out = arena_printf(&flow->cli->arena, "%s%.*s%s", out, (int)size, at, full ? "\n" : "");
        line = full ? 0 : line;
        at += size;
    }
    return out;
}

static const char *step_label(const struct flow *flow, const Policy__Step *step)
{
    return arena_printf(&flow->cli->arena, flow->english ? "%s: %s" : "%s：%s", said(flow, step->label, step->name),
                        takers(flow, step));
}

static void arrow(const struct flow *flow, const char *from, const char *to, const Policy__Step *step)
{
    fputs("  ", flow->out);
    quoted(flow, from);
    fputs(" -> ", flow->out);
    quoted(flow, to);
    fputs(" [label=", flow->out);
    quoted(flow, in_lines(flow, step_label(flow, step)));
    fputs(step->back ? ", style=dotted];\n" : step->round_next ? ", style=dashed];\n" : "];\n", flow->out);
}

/* What leads back to the stage it is taken in stands in the stage: arrows of it would lie on each other. */
static const char *loops(const struct flow *flow, const char *stage)
{
    const char *list = "";
    for (size_t i = 0; i < flow->kind->n_steps; i++) {
        const Policy__Step *step = flow->kind->steps[i];
        if (step->n_from && strcmp(step->to, stage) == 0 && policy_step_from(step, stage))
            list = arena_printf(&flow->cli->arena, "%s\n↺ %s", list, in_lines(flow, step_label(flow, step)));
    }
    return list;
}

/* To each stage from which `from` is reached. */
static void arrows_back(const struct flow *flow, const char *from, const Policy__Step *step)
{
    for (size_t i = 0; i < flow->kind->n_stages; i++) {
        bool leads = false;
        for (size_t s = 0; s < flow->kind->n_steps && !leads; s++)
            leads = strcmp(flow->kind->steps[s]->to, from) == 0 &&
                    policy_step_from(flow->kind->steps[s], flow->kind->stages[i]->name);
        if (leads)
            arrow(flow, from, flow->kind->stages[i]->name, step);
    }
}

static void stages(const struct flow *flow)
{
    static const struct {
        Policy__Phase phase;
        const char *colour;
    } colours[] = {{POLICY__PHASE__NEW, "#dbeafe"},     {POLICY__PHASE__WORKING, "#fef3c7"},
                   {POLICY__PHASE__WAITING, "#ede9fe"}, {POLICY__PHASE__DONE, "#dcfce7"},
                   {POLICY__PHASE__CLOSED, "#e5e7eb"},  {POLICY__PHASE__ARCHIVED, "#f3f4f6"}};
    for (size_t i = 0; i < flow->kind->n_stages; i++) {
        const Policy__Stage *stage = flow->kind->stages[i];
        const char *colour = "#ffffff";
        for (size_t c = 0; c < sizeof colours / sizeof *colours; c++)
            if (colours[c].phase == stage->phase)
                colour = colours[c].colour;
        fputs("  ", flow->out);
        quoted(flow, stage->name);
        fputs(" [label=", flow->out);
        quoted(flow, arena_printf(&flow->cli->arena, "%s%s", said(flow, stage->label, stage->name),
                                  loops(flow, stage->name)));
        fprintf(flow->out, ", fillcolor=\"%s\"];\n", colour);
    }
}

/* Steps that stay where they are (a note, an acknowledgement) would hide the way: they are listed beside the chart. */
static void stays(const struct flow *flow)
{
    const char *list = "";
    for (size_t i = 0; i < flow->kind->n_steps; i++) {
        const Policy__Step *step = flow->kind->steps[i];
        if (!*step->to && step->n_from && !step->back)
            list = arena_printf(&flow->cli->arena, "%s\n%s", list, step_label(flow, step));
    }
    fputs("  label=", flow->out);
    quoted(flow, arena_printf(&flow->cli->arena,
                              *list ? flow->english ? "%s\nalso, without leaving the stage:%s"
                                                    : "%s\n另有不改变阶段的步骤：%s"
                                    : "%s%s",
                              said(flow, flow->kind->label, flow->kind->name), list));
    fputs(";\n", flow->out);
}

static void draw(const struct flow *flow)
{
    fputs("digraph flow {\n  rankdir=TB; labelloc=t; fontname=\"sans\";\n"
          "  node [shape=box, style=\"rounded,filled\", fontname=\"sans\"];\n"
          "  edge [fontname=\"sans\", fontsize=10];\n  begin [shape=circle, label=\"\", width=0.2, "
          "fillcolor=\"#111827\"];\n",
          flow->out);
    stages(flow);
    for (size_t i = 0; i < flow->kind->n_steps; i++) {
        const Policy__Step *step = flow->kind->steps[i];
        if (!step->n_from && *step->to)
            arrow(flow, "begin", step->to, step);
        for (size_t f = 0; f < step->n_from && *step->to; f++)
            if (strcmp(step->from[f], step->to) != 0)
                arrow(flow, step->from[f], step->to, step);
        for (size_t f = 0; f < step->n_from && step->back; f++)
            arrows_back(flow, step->from[f], step);
    }
    stays(flow);
    fputs("}\n", flow->out);
}

static const Policy__Policy *compiled(struct cli *cli, struct scenario_places *places, const char *pack)
{
    struct policy_source *sources;
    struct policy_result result = {0};
    size_t count;
    const char *name = pack_name_of(places, &cli->arena, pack);
    enum err err = policy_read_folders(places->folders, places->folders_count, &name, 1, &cli->arena, &sources, &count);
    if (err) {
        cli_fail("%s: %s", pack, err_text(err));
        return NULL;
    }
    policy_compile(sources, count, &name, 1, &cli->arena, &result);
    if (!result.policy)
        cli_fail("%s has mistakes: hearback policy check %s", pack, pack);
    return result.policy;
}

static int no_such_kind(const struct flow *flow, const char *pack, const char *kind)
{
    const char *names = "";
    for (size_t i = 0; i < flow->policy->n_kinds; i++)
        names = arena_printf(&flow->cli->arena, "%s%s%s", names, i ? " " : "", flow->policy->kinds[i]->name);
    cli_fail("%s has no kind \"%s\"; it has: %s", pack, kind, names);
    return CLI_USAGE;
}

int policy_flow_main(struct cli *cli, int argc, char **argv)
{
    struct flow flow = {.cli = cli, .out = stdout};
    struct scenario_places places = {0};
    bool dot = false;
    int i = 1;
    for (; i < argc && strncmp(argv[i], "--", 2) == 0; i++) {
        if (strcmp(argv[i], "--dot") == 0)
            dot = true;
        else if (i + 1 < argc && strcmp(argv[i], "--packs") == 0 && !places.folders_count)
            places.folders[places.folders_count++] = argv[++i];
        else if (i + 1 < argc && strcmp(argv[i], "--language") == 0 && strcmp(argv[i + 1], "en") == 0)
            flow.english = ++i;
        else if (i + 1 < argc && strcmp(argv[i], "--language") == 0 && strcmp(argv[i + 1], "zh-CN") == 0)
            i++;
        else
            break;
    }
    if (argc - i != 2)
        return cli_usage("hearback policy flow [--dot] [--language zh-CN|en] [--packs FOLDER] PACK KIND\n"
                         "  画出一类事项的流程图（SVG）；--dot 只给出 Graphviz 文本\n"
                         "  draws the flow chart of a kind (SVG); --dot prints what Graphviz is given");
    places.folders[places.folders_count++] = cli_share(cli, "policies");
    flow.policy = compiled(cli, &places, argv[i]);
    if (!flow.policy)
        return CLI_USAGE;
    flow.kind = policy_kind(flow.policy, argv[i + 1]);
    if (!flow.kind)
        return no_such_kind(&flow, argv[i], argv[i + 1]);
    fflush(stdout);
    if (!dot)
        flow.out = popen("dot -Tsvg", "w"); /* a fixed word: nothing of the caller's reaches the shell */
    if (!flow.out)
        return cli_fail("dot: %m"), CLI_FAILED;
    draw(&flow);
    int ended = dot ? fflush(stdout) : pclose(flow.out);
    if (ended == 0)
        return CLI_GOOD;
    cli_fail(!dot && WIFEXITED(ended) && WEXITSTATUS(ended) == 127
                 ? "the package graphviz draws it, and is not here: apt-get install graphviz, or --dot"
                 : "the chart could not be written");
    return CLI_FAILED;
}
