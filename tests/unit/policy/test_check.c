/* What `policy check` says of packs that read well and would not work: each with its line, in both languages. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "policy/compile.h"
#include "yaml/yaml.h"

#include <stdio.h>
#include <stdlib.h>

/* a kind beside the one at hand tells the notice */
#define HEAD                                                                                                             \
    "pack: X\nname: [甲, X]\nposts: {clerk: {clause: C, name: [员, Clerk]}, other: {clause: C, name: [他, Other]}}\n" \
    "notices:\n  note: {clause: C, name: [知, Note], to: clerk, text: [知, Note]}\nkinds:\n"                           \
    "  t: {clause: C, name: [丁, T], stages: {a: new, c: closed}, steps: {end: {name: [完, End], from: a, to: c, by: " \
    "clerk}}, route: {o: {clause: C, to: clerk}}, rules: {r: {clause: C, when: c, then: {tell: note}}}}\n"               \
    "  k:\n    clause: C\n    name: [甲, K]\n"
#define STAGES "    stages: {a: new, b: working, c: closed}\n"
#define STEPS                                                                                                            \
    "    steps: {go: {name: [去, Go], from: a, to: b, by: clerk}, end: {name: [完, End], from: b, to: c, by: clerk}, " \
    "back: {name: [回, Back], from: b, to: a, by: clerk}}\n"
#define FIELDS                                                                                                         \
    "    fields: {grade: {name: [级, Grade], one_of: [x, y]}, must: {name: [必, Must], type: name, needed: always}}\n"
#define CASES                                                                                                          \
    "    fields: {lead: {name: [主, Lead], type: case}, also: {name: [亦, Also], type: case}, grade: {name: [级, "  \
    "Grade], type: name}}\n"
#define TIMES "    fields: {until: {name: [止, Until], type: time, needed: always}}\n"
#define ROUTE "    route: {o: {clause: C, to: clerk}}\n"
#define NOTICE(notice)                                                                                                 \
    "pack: X\nname: [甲, X]\nposts: {clerk: {clause: C, name: [员, Clerk]}}\nnotices:\n  n: " notice                   \
    "\nkinds:\n  k:\n    clause: C\n    name: [甲, K]\n" STAGES FIELDS STEPS ROUTE
#define SOUND HEAD STAGES FIELDS STEPS ROUTE
/* lines: 11 stages, 12 fields, 13 steps, 14 route, 15 what is added */

struct finding {
    const char *text;
    unsigned line;
    bool warning;
    const char *zh, *en;
};

static const struct finding findings[] = {
    /* facts */
    {SOUND "    rules: {r: {clause: C, when: b, if: {garde: x}, then: {tell: note}}}\n", 15, false, "不是 k 的字段",
     "did you mean \"grade\"?"},
    {SOUND "    rules: {r: {clause: C, when: b, if: {grade: x}, then: {tell: note}}}\n", 15, true, "可能未知",
     "may be unknown here"},
    {SOUND "    clocks: {t: {clause: C, name: [时, T], if: {nothing: x}, start: a, stop: b, limit: 3 days}}\n", 15,
     false, "不是 k 的字段", "no field of k"},
    {HEAD STAGES FIELDS STEPS "    route: {r: {clause: C, if: {grade: x}, to: clerk}, o: {clause: C, to: clerk}}\n", 14,
     true, "可能未知", "may be unknown here"},
    {SOUND "    rules: {r: {clause: C, when: b, if: {told nothing: present}, then: {tell: note}}}\n", 15, false,
     "没有通知", "there is no notice \"nothing\""},
    /* clocks: nobody would be told that one does not run */
    {SOUND "    clocks: {t: {clause: C, name: [时, T], if: {grade: x}, start: a, stop: b, limit: 3 days}}\n", 15, false,
     "可能未知", "may be unknown here"},
    {SOUND "    clocks: {t: {clause: C, name: [时, T], start: a, stop: b, limit: [{if: {grade: x}, is: 1 day}, {is: 3 "
           "days}]}}\n",
     15, false, "可能未知", "may be unknown here"},
    {SOUND
     "    clocks: {t: {clause: C, name: [时, T], if: {actor.certificate: x}, start: a, stop: b, limit: 3 days}}\n",
     15, false, "时钟没有办理人", "nobody acts when a clock runs"},
    /* what never holds */
    {SOUND "    rules: {r: {clause: C, when: b, if: {all: [{must: x}, {must: [y, z]}]}, then: {tell: note}}}\n", 15,
     true, "互相矛盾", "asks of \"must\" cannot hold together"},
    {SOUND "    rules: {r: {clause: C, when: b, if: {all: [{grade: missing}, {grade: x}]}, then: {tell: note}}}\n", 15,
     true, "互相矛盾", "asks of \"grade\" cannot hold together"},
    {SOUND "    rules: {r: {clause: C, when: b, if: {round: {over: 3, at_most: 3}}, then: {tell: note}}}\n", 15, true,
     "互相矛盾", "asks of \"round\" cannot hold together"},
    {SOUND "    rules: {r: {clause: C, before: end, if: {stage: a}, refuse: [否, No]}}\n", 15, true,
     "不在条件所写的阶段", "end is not taken in the stage it asks for"},
    {HEAD STAGES FIELDS STEPS
     "    route: {r: {clause: C, if: {all: [{must: x}, {must: y}]}, to: clerk}, o: {clause: C, "
     "to: clerk}}\n",
     14, true, "互相矛盾", "never reached"},
    /* steps */
    {HEAD STAGES FIELDS "    steps: {go: {name: [去, Go], from: a, to: b, by: clerk, does: nothing}}\n" ROUTE, 13,
     false, "可用：settle", "accepted: settle"},
    {HEAD STAGES FIELDS "    steps: {go: {name: [去, Go], from: a, to: c, by: clerk, does: settle}, end: {name: [完, "
                        "End], from: a, to: c, by: "
                        "clerk, does: settle}}\n" ROUTE,
     13, false, "只能有一个", "go and end: one step only"},
    {HEAD STAGES FIELDS
     "    steps: {register: {name: [记, Register], to: a, by: clerk, needs: [grade]}, end: {name: [完, End], "
     "from: a, to: c, by: clerk}}\n" ROUTE,
     13, false, "登记没有 needs", "accepted: needed: always or needed: at register of the field"},
    {HEAD STAGES FIELDS
     "    steps: {register: {name: [记, Register], to: a, by: clerk, set: {grade: x}}, end: {name: [完, End], "
     "from: a, to: c, by: clerk}}\n" ROUTE,
     13, false, "登记没有 set", "\"register\" has no set"},
    /* what nothing comes to */
    {SOUND "    rules: {r: {clause: C, before: end, if: {actor.post: clark}, refuse: [否, No]}}\n", 15, true,
     "没有岗位", "this policy has no post \"clark\": nobody can hold it; did you mean \"clerk\"?"},
    {SOUND "ladders: {l: {clause: C, rows: [{at: late, tell: clerk}]}}\n", 15, true, "没有时钟或规则使用",
     "no clock and no rule uses this ladder"},
    {NOTICE("{clause: C, name: [知, N], to: clerk, text: [知, N]}"), 5, true, "没有规则发出此通知",
     "no rule tells this notice"},
    /* sections of a kind */
    {HEAD STAGES "    feilds: {grade: {name: [级, Grade], one_of: x}}\n" STEPS ROUTE, 12, false, "是否指 \"fields\"？",
     "did you mean \"fields\"?"},
    {HEAD STAGES "    feilds: {grade: {name: [级, Grade], type: nix}}\n" STEPS ROUTE, 12, false, "\"nix\" 不是字段类型",
     "\"nix\" is no type"}, /* and what is wrong in it */
    {SOUND "    rules: [{clause: C, when: b, then: {tell: note}}]\n", 15, false, "rules 须为键值对",
     "rules: a map is accepted here"},
    /* events */
    {SOUND "    rules: {r: {clause: C, when: told nothing, then: {tell: note}}}\n", 15, false, "没有通知",
     "there is no notice"},
    {SOUND "    rules: {r: {clause: C, when: late nothing, then: {tell: note}}}\n", 15, false, "没有时钟",
     "has no clock \"nothing\""},
    {SOUND "    rules: {r: {clause: C, when: other done, then: {tell: note}}}\n", 15, false, "没有事项",
     "there is no kind \"other\""},
    {SOUND "    rules: {r: {clause: C, when: approved chain, then: {tell: note}}}\n", 15, false, "没有审批链",
     "has no chain \"chain\""},
    /* signing */
    {SOUND
     "    clocks: {s: {clause: C, name: [签, S], start: a, stop: b, limit: 2 h, signing: yes}, t: {clause: C, name: "
     "[时, T], start: b, stop: c, limit: 3 days}}\n",
     15, false, "start: end of s", "accepted: start: end of s"},
    {SOUND "    clocks: {s: {clause: C, name: [签, S], start: a, stop: b, limit: 2 h, signing: yes, pause: a}}\n", 15,
     false, "不得暂停", "does not pause: none is accepted"},
    {SOUND
     "    clocks: {s: {clause: C, name: [签, S], start: a, stop: b, limit: 2 h, signing: yes, backdating: yes}}\n",
     15, false, "签收不可拖延", "has no \"backdating\""},
    {SOUND "    clocks: {t: {clause: C, name: [时, T], start: end of nothing, stop: c, limit: 3 days}}\n", 15, false,
     "没有时钟", "has no clock \"nothing\""},
    {SOUND "    clocks: {t: {clause: C, name: [时, T], start: end of t, stop: c, limit: 3 days}}\n", 15, false, "成环",
     "in a circle"},
    {SOUND "    clocks: {t: {clause: C, name: [时, T], start: a, stop: end of t, limit: 3 days}}\n", 15, false,
     "此处可用：late 时钟", "accepted here: late CLOCK"},
    /* what is for patterns, who may know, and what a figure is of */
    {SOUND "    rules: {r: {clause: C, when: b, then: {link: like}}}\n", 15, false, "只限 patterns", "is for patterns"},
    {SOUND "patterns: {p: {clause: C, of: k, after: k, within: 7 days, count: 1, then: {link: like}}}\n", 15, false,
     "of 另有其他", "names others too"},
    {SOUND "    public_problem: nothing\n", 15, false, "须写一个步骤", "public_problem names a step"},
    {SOUND "    public_problem: end\n", 15, false, "by 含 complainant", "by: complainant"},
    {SOUND "    public_notice: {in: z}\n", 15, false, "没有阶段", "there is no stage \"z\""},
    {SOUND "    public_notice: {fields: []}\n", 15, false, "须写明在哪些阶段公示", "in which stages is it public?"},
    {SOUND "    public_notice: {in: b, fields: [nothing]}\n", 15, false, "没有字段", "there is no field \"nothing\""},
    {SOUND "    public_notice: {in: b, until: nothing}\n", 15, false, "既非本事项的时钟", "no clock of this kind"},
    {SOUND "    urgent: {told note: present}\n", 15, false, "可用：本案的字段", "accepted: fields of the case"},
    {SOUND "    urgent: {actor.post: clerk}\n", 15, false, "可用：本案的字段", "accepted: fields of the case"},
    {SOUND "    public_notice: {in: b, if: {told note: present}}\n", 15, false, "可用：本案的字段",
     "accepted: fields of the case"},
    {HEAD STAGES CASES "    steps: {go: {name: [去, Go], from: [a, b], to: c, by: clerk, link: {lead: like}}}\n" ROUTE
                       "    urgent: {some: {like.phase: closed}}\n",
     15, false, "可用：本案的字段", "accepted: fields of the case"},
    {HEAD STAGES TIMES STEPS ROUTE "    urgent: {until: passed}\n", 15, false, "距今如何",
     "cannot be compared with now"},
    {HEAD STAGES TIMES STEPS ROUTE "    urgent: {until: {before: 2 working days}}\n", 15, false, "when: late 时钟",
     "when: late CLOCK"},
    {HEAD STAGES TIMES STEPS ROUTE "    public_notice: {in: b, if: {not: {until: passed}}}\n", 15, false, "距今如何",
     "cannot be compared with now"},
    {HEAD STAGES TIMES STEPS ROUTE "    clocks: {t: {clause: C, name: [时, T], if: {until: {after: end of month}}, "
                                   "start: a, stop: b, limit: 3 days}}\n",
     15, false, "距今如何", "cannot be compared with now"},
    {HEAD STAGES TIMES STEPS ROUTE
     "    clocks: {t: {clause: C, name: [时, T], start: a, stop: b, limit: [{if: {until: passed}, is: 1 day}, {is: 3 "
     "days}]}}\n",
     15, false, "距今如何", "cannot be compared with now"},
    {HEAD STAGES TIMES STEPS ROUTE
     "indicators: {p: {clause: C, name: [率, P], of: k, figure: count of closed, where: {until: passed}}}\n",
     15, false, "距今如何", "cannot be compared with now"},
    {SOUND "    identity: hidden\n", 15, false, "可用：restricted", "\"restricted\" is accepted"},
    {SOUND "indicators: {i: {clause: C, name: [标, I], of: k, figure: share of time}}\n", 15, false, "须同用",
     "go together"},
    {SOUND
     "things: {house: {clause: C, name: [户, H]}}\nindicators: {i: {clause: C, name: [标, I], of: k, figure: count "
     "of received / count of house, per: handler}}\n",
     16, false, "只能按 site", "per site only"},
    /* clauses */
    {SOUND "clauses: {D-1: [丁, D]}\n", 15, true, "没有规则执行此条款", "no rule carries this clause"},
    {SOUND "clauses: {D-1: [丁, D]}\norganisational: {D-2: [因, Why]}\n", 16, false, "clauses 中没有条款",
     "did you mean \"D-1\"?"},
    {SOUND "    rules: {r: {clause: D-11, when: b, then: {tell: note}}}\nclauses: {D-1: [丁, D]}\n", 15, false,
     "没有条款 \"D-11\"", "did you mean \"D-1\"?"},
    {SOUND "    rules: {r: {clause: D-1, when: b, then: {tell: note}}}\nclauses: {D-1: [丁, D]}\n"
           "organisational: {D-1: [因, Why]}\n",
     16, true, "列为组织事项", "called organisational, yet kinds.k.rules.r names it"},
    {SOUND "clauses: {D-1: 丁}\n", 15, false, "须为一对", "a pair is accepted"},
    /* since when */
    {SOUND "in_force: 2025-13-01\n", 15, false, "须为日期", "in_force is a day"},
    {SOUND "in_force: soon\n", 15, false, "须为日期", "2025-01-01 is accepted"},
    /* documents */
    {SOUND "documents: {form: {clause: C, name: [表, Form], blocks: [case, garde]}}\n", 15, false, "不是任何事项的字段",
     "\"garde\" is no field or link of any kind"},
    {SOUND "documents: {form: {clause: C, name: [表, Form], blocks: [case], class: secret}}\n", 15, false, "可用",
     "accepted: internal, red_header, public"},
    {SOUND "documents: {form: {clause: C, name: [表, Form]}}\n", 15, false, "须有 blocks", "needs blocks"},
    /* people */
    {HEAD STAGES FIELDS STEPS "    route: {o: {clause: C, to: clrek}}\n", 14, true, "站点须有同名部门",
     "did you mean \"clerk\"?"},
    {"pack: X\nname: [甲, X]\nposts: {clerk: {clause: C, name: [员, Clerk]}}\nladders:\n  l: {clause: C, rows: [{at: "
     "late, "
     "tell: boss}]}\nkinds:\n  k:\n    clause: C\n    name: [甲, K]\n" STAGES STEPS ROUTE,
     5, true, "站点须有同名部门", "no post and no roster"},
    /* ladders: line 3 holds them all, and the kind stands from line 4 on */
    {"pack: X\nname: [甲, X]\nladders: {l: {clause: C, rows: [{at: start, tell: handler}, {at: unacknowledged, tell: "
     "lead}]}}\nkinds:\n  k:\n    clause: C\n    name: [甲, K]\n" STAGES STEPS ROUTE,
     3, false, "没有人被要求确认", "nobody is asked to acknowledge"},
    {"pack: X\nname: [甲, X]\nladders: {l: {clause: C, rows: [{at: start, tell: handler, acknowledge: 2 min}]}}\n"
     "kinds:\n  k:\n    clause: C\n    name: [甲, K]\n" STAGES
     "    steps: {go: {name: [去, Go], from: a, to: b, by: handler}, end: {name: [完, End], from: b, to: c, by: "
     "handler}}\n"
     "    route: {o: {clause: C, to: handler}}\n    clocks: {t: {clause: C, name: [时, T], start: a, stop: c, limit: 3 "
     "days, ladder: l}}\n",
     9, false, "没有步骤 acknowledge", "no step \"acknowledge\""},
    {"pack: X\nname: [甲, X]\nladders: {l: {clause: C, rows: [{at: start, tell: handler, repeat: 10 min}]}}\n"
     "kinds:\n  k:\n    clause: C\n    name: [甲, K]\n" STAGES
     "    steps: {go: {name: [去, Go], from: a, to: b, by: handler}, end: {name: [完, End], from: b, to: c, by: "
     "handler}}\n"
     "    route: {o: {clause: C, to: handler}}\n    clocks: {t: {clause: C, name: [时, T], start: a, stop: c, limit: 3 "
     "days, ladder: l}}\n",
     9, false, "没有步骤 acknowledge", "no step \"acknowledge\""},
    {"pack: X\nname: [甲, X]\nladders: {l: {clause: C, rows: [{at: warning, tell: handler, repeat: 1 day}]}}\nkinds:\n "
     " "
     "k:\n    clause: C\n    name: [甲, K]\n" STAGES STEPS ROUTE,
     3, false, "warning 行不能 repeat", "a row at \"warning\" has no repeat"},
    {"pack: X\nname: [甲, X]\nladders: {l: {clause: C, rows: [{at: late, tell: handler, repeat: same day}]}}\nkinds:\n "
     " "
     "k:\n    clause: C\n    name: [甲, K]\n" STAGES STEPS ROUTE,
     3, false, "repeat 须为时段", "repeat is a span"},
    {"pack: X\nname: [甲, X]\nladders: {l: {clause: C, rows: [{at: late, tell: handler, repeat: {every: 1 h, at_most: "
     "500}}]}}\nkinds:\n  k:\n    clause: C\n    name: [甲, K]\n" STAGES STEPS ROUTE,
     3, false, "at_most 可为 1 至 100 次", "at_most is 1 to 100 times"},
    {"pack: X\nname: [甲, X]\nladders: {l: {clause: C, rows: [{at: late, hand_to: handler, repeat: 1 h}]}}\nkinds:\n  "
     "k:\n    clause: C\n    name: [甲, K]\n" STAGES STEPS ROUTE,
     3, false, "repeat 须有被告知者", "repeat needs somebody to tell"},
    /* notices */
    {"pack: X\nname: [甲, X]\nposts: {clerk: {clause: C, name: [员, Clerk]}}\nnotices:\n  n: {clause: C, name: [知, "
     "N], to: "
     "clerk, hours: 22:00-06:00, text: [到, by]}\nkinds:\n  k:\n    clause: C\n    name: [甲, K]\n" STAGES STEPS ROUTE,
     5, false, "每日时段", "hours of every day"},
    {"pack: X\nname: [甲, X]\nposts: {clerk: {clause: C, name: [员, Clerk]}}\nnotices:\n  n: {clause: C, name: [知, "
     "N], to: "
     "clerk, by: [email, sms, email], text: [到, by]}\nkinds:\n  k:\n    clause: C\n    name: [甲, K]\n" STAGES STEPS
         ROUTE,
     5, false, "渠道“email”写了两次", "the channel \"email\" is there twice"},
    {"pack: X\nname: [甲, X]\nposts: {clerk: {clause: C, name: [员, Clerk]}}\nnotices:\n  n: {clause: C, name: [知, "
     "N], to: "
     "clerk, text: [\"到 {deu}\", \"by {deu}\"]}\nkinds:\n  k:\n    clause: C\n    name: [甲, K]\n" STAGES STEPS ROUTE,
     5, false, "没有可填入 {deu}", "did you mean \"due\"?"},
    {"pack: X\nname: [甲, X]\nposts: {clerk: {clause: C, name: [员, Clerk]}}\nnotices:\n  n: {clause: C, name: [知, "
     "N], text: "
     "[到, by]}\nkinds:\n  k:\n    clause: C\n    name: [甲, K]\n" STAGES STEPS ROUTE,
     5, false, "无人可告知", "told to nobody"},
    {"pack: X\nname: [甲, X]\nposts: {clerk: {clause: C, name: [员, Clerk]}}\nnotices:\n  n: {clause: C, name: [知, "
     "N], to: "
     "clerk, text: [到]}\nkinds:\n  k:\n    clause: C\n    name: [甲, K]\n" STAGES STEPS ROUTE,
     5, true, "没有英文", "no English"},
    {"pack: X\nname: [甲, X]\nposts: {clerk: {clause: C, name: [员]}}\nkinds:\n  k:\n    clause: C\n    name: "
     "[甲, K]\n" STAGES STEPS ROUTE,
     3, true, "没有英文", "there is no English"},
    {HEAD STAGES "    fields: {until: {name: [期, Until], type: time}}\n" STEPS ROUTE
                 "    clocks: {t: {clause: C, name: [时, T], start: a, stop: c, limit: until}}\n",
     15, true, "便无到期时间", "\"until\" may be empty, and the clock is never due then"},
    {HEAD STAGES "    fields: {who: {name: [谁, Who], type: person}}\n" STEPS ROUTE
                 "    rules: {r: {clause: C, when: b, then: {assign: who}}}\n",
     15, true, "可能未填", "\"who\" may be empty here: to"},
    /* stages, clocks, routes */
    {HEAD "    stages: {a: new, b: working, c: closed, d: working}\n" STEPS ROUTE, 11, true, "没有步骤通向",
     "no step leads to this stage"},
    {HEAD STAGES "    steps: {go: {name: [去, Go], from: a, to: b, by: clerk}}\n" ROUTE, 11, false, "死胡同",
     "a dead end"},
    {SOUND "    clocks: {t: {clause: C, name: [时, T], start: a, stop: told note, limit: 3 days}}\n", 15, false,
     "永不停止", "nothing ever stops this clock"},
    {HEAD STAGES FIELDS STEPS "    route: {r: {clause: C, if: {must: x}, to: clerk}}\n", 14, false, "不完备",
     "not total"},
    {SOUND "    clocks:\n      t: {clause: C, name: [时, T], main: yes, start: a, stop: b, limit: 3 days}\n"
           "      u: {clause: C, name: [时, U], main: yes, start: a, stop: c, limit: 3 days}\n",
     16, false, "不止一个主时钟", "more than one main clock"},
    /* what an earlier row takes, what contradicts */
    {HEAD STAGES FIELDS STEPS "    route: {q: {clause: C, if: {must: [x, y]}, to: clerk}, r: {clause: C, if: {must: x, "
                              "grade: y}, to: clerk}, o: {clause: C, to: clerk}}\n",
     14, true, "凡符合它的都先符合 q", "whatever it takes, q takes before it"},
    {SOUND
     "    clocks: {t: {clause: C, name: [时, T], start: a, stop: b, limit: [{if: {must: x}, is: 1 h}, {if: {must: "
     "x}, is: 2 h}, {is: 3 h}]}}\n",
     15, true, "第 2 行永不生效", "row 2 is never reached"},
    {SOUND "    rules:\n      r: {clause: C, when: b, if: {must: x}, then: {set: {grade: x}}}\n"
           "      s: {clause: C, when: b, then: {set: {grade: y}}}\n",
     17, false, "把 grade 设为不同的值", "acts together with rule r, but sets grade to another value"},
    /* loops */
    {SOUND "    rules:\n      r: {clause: C, when: b, then: {step: back}}\n      s: {clause: C, when: a, then: {step: "
           "go}}\n",
     16, false, "规则循环：k.r → k.s → k.r", "k.r → k.s → k.r"},
    {SOUND "    rules: {r: {clause: C, when: registered, then: {open: k}}}\n", 15, false, "", ""}, /* no such event */
    {SOUND "    rules: {r: {clause: C, when: a, then: {open: k}}}\n", 15, false, "规则循环：k.r → k.r", "k.r → k.r"},
    {SOUND "    rules: {r: {clause: C, when: told note, then: {tell: note}}}\n", 15, false, "规则循环",
     "a cycle of rules"},
    {SOUND "    rules: {r: {clause: C, when: grade, then: {set: {grade: x}}}}\n", 15, false, "规则循环",
     "a cycle of rules"},
    {SOUND "    clocks: {t: {clause: C, name: [时, T], start: a, stop: b, limit: 1 h}}\n"
           "    rules: {r: {clause: C, when: late t, then: {open: k}}}\n",
     16, false, "规则循环", "a cycle of rules"},
    /* rounds */
    {HEAD STAGES FIELDS
     "    steps: {go: {name: [去, Go], from: a, to: b, by: clerk}, end: {name: [完, End], from: b, to: c, by: "
     "clerk}, again: {name: [再, Again], from: c, to: b, by: clerk, round: next}}\n" ROUTE
     "    rules: {r: {clause: C, when: c, if: {must: x}, then: {step: again}}}\n",
     15, true, "at_most", "say at_most"},
    /* cases for some parts only, a choice that is copied */
    {SOUND "    rules: {r: {clause: C, when: b, then: {tell: note, if: {grade: x}}}}\n", 15, false, "if 写在 then 之外",
     "`if` stands outside of `then`"},
    {SOUND "    rules: {r: {clause: C, when: b, then: {open: k, each: must, if: {grade: x}}}}\n", 15, false, "各部分",
     "of the parts of a field"},
    {HEAD STAGES "    fields: {p: {name: [分, P], parts: {a: {name: [甲, A], type: name}}}, grade: {name: [级, G], "
                 "type: name}}\n" STEPS ROUTE
                 "    rules: {r: {clause: C, when: c, then: {open: k, each: p, if: {b: x}}}}\n",
     15, false, "各部分没有", "the parts of p have no \"b\""},
    {HEAD STAGES
     "    fields: {one: {name: [一, One], one_of: [x, z]}, grade: {name: [级, Grade], one_of: [x, y]}}\n" STEPS ROUTE
     "    rules: {r: {clause: C, when: c, then: {open: k, with: {grade: \"{one}\"}}}}\n",
     15, false, "不是 grade 的选项", "one may be \"z\", which is no choice of grade"},
    /* what a department does otherwise */
    {SOUND "    departments: {d: {settings: {limit: {value: 3 h}}}}\n", 15, false, "没有设置", "no setting \"limit\""},
    {SOUND
     "    departments: {d: {settings: {l: {value: 3 h}}}}\nsettings: {l: {clause: C, name: [限, L], value: 1 h}}\n",
     15, false, "都不用 $l", "goes by $l"},
    {SOUND
     "    clocks: {t: {clause: C, name: [时, T], start: a, stop: b, limit: 1 h, extend: {by: clerk, add: $l}}}\n"
     "    departments: {d: {settings: {l: {value: 3 h}}}}\nsettings: {l: {clause: C, name: [限, L], value: 1 h}}\n",
     16, false, "不在其 limit 处", "elsewhere than in a limit"},
    {SOUND "    rules: {r: {clause: D-1, before: go, if: {all: [{lead: present}, {lead: $l}]}, refuse: [否, No]}}\n"
           "    departments: {d: {settings: {l: {clause: D-11, value: 3 h}}}}\n"
           "settings: {l: {clause: D-1, name: [限, L], value: 1 h}}\nclauses: {D-1: [丁, D]}\n",
     15, false, "没有条款 \"D-11\"", "did you mean \"D-1\"?"},
    {SOUND
     "    departments: {d: {rules: {r: {clause: C, before: go, if: {grade: x}, refuse: [否, No]}}}, e: {rules: {r: "
     "{clause: C, before: go, if: {grade: y}, refuse: [否, No]}}}}\n",
     15, false, "请另起名，如 r_e", "name this one apart, as r_e"},
    {SOUND "    departments: {d: {may: {m: {clause: C, who: clerk, do: go}}}, e: {may: {m: {clause: C, who: clerk, do: "
           "end}}}}\n",
     15, false, "请另起名，如 m_e", "another department's own"},
    {SOUND "    departments: {d: {never: {n: {clause: C, who: clerk, do: go}}}, e: {never: {n: {clause: C, who: clerk, "
           "do: end}}}}\n",
     15, false, "请另起名，如 n_e", "another department's own"},
    {SOUND "    departments: {d: {fields: {must: {needed: always}}}}\n", 15, false, "needed: at 步骤",
     "a department may say `needed: at STEP`"},
    {SOUND "    departments: {d: {steps: {go: {needs: nothing}}}}\n", 15, false, "没有字段", "no field \"nothing\""},
    {SOUND "    departments: {d: {steps: {gone: {removed: [无, None]}}}}\n", 15, false, "可去掉",
     "no \"gone\" to remove"},
    {SOUND "    departments: {d: {route: {r: {clause: C, to: clerk}}}}\n", 15, false, "route 中加一行",
     "a row of the kind's own route"},
    {SOUND "    departments: {d: {stages: {d: working}}}\n", 15, false, "另设同类（like）事项", "`like` this one"},
    {SOUND "    departments: {d: {returns: {clause: C, at_most: 1}}}\n", 15, false, "可退几次",
     "`returns` of the kind"},
    {SOUND "    departments: {d: {chains: {c: {clause: C}}}}\n", 15, false, "审批链中写 unless",
     "`unless` of the kind"},
    {SOUND "    departments: {d: {limits: {c: {clause: C}}}}\n", 15, false, "权限属于岗位", "`limits` of the kind"},
    {SOUND "    departments: {d: {steps: {go: {to: c}}}}\n", 15, false, "步骤的 to 是全站的",
     "a department may say by, needs, fields"},
    {SOUND "    departments: {d: {steps: {go: {by: clrek}}}}\n", 15, true, "须有同名部门", "did you mean \"clerk\"?"},
    {HEAD STAGES FIELDS
     "    steps: {register: {name: [登, Register], to: a, by: clerk}, go: {name: [去, Go], from: a, to: b, by: clerk}, "
     "end: {name: [完, End], from: b, to: c, by: clerk}}\n" ROUTE
     "    departments: {d: {steps: {register: {by: clerk}}}}\n",
     15, false, "尚未分派，没有主办部门", "nobody leads a case before register"},
    /* who reads a field */
    {HEAD STAGES STEPS ROUTE "    fields: {f: {name: [甲, F], type: name, read: clrek}}\n", 14, false, "不是角色、岗位",
     "did you mean \"clerk\"?"},
    {HEAD STAGES STEPS ROUTE "    fields: {place: {name: [地, Place], type: name, read: clerk}}\n", 14, false,
     "在每份清单上", "place stands in every list"},
    {"pack: X\nname: [甲, X]\nposts:\n  clerk: {clause: C, name: [员, Clerk]}\nnotices:\n"
     "  note: {clause: C, name: [知, Note], to: clerk, text: ['{f}', '{number}']}\nkinds:\n  k:\n    clause: C\n"
     "    name: [甲, K]\n" STAGES STEPS ROUTE "    fields: {f: {name: [甲, F], type: name, read: clerk}}\n",
     6, false, "只给部分人看", "{f} is shown to some only (`read`, in k)"},
    /* what is accepted and has no effect, or is not carried out */
    {SOUND "review: 1 year\n", 15, false, "本版本不执行 \"review\"", "\"review\" is not carried out"},
    {SOUND "    accept: {limit: 30 min}\n", 15, true, "本版本不执行 \"accept\"", "\"accept\" is not carried out"},
    {HEAD STAGES STEPS ROUTE "    fields: {f: {name: [甲, F], type: text, kept: 180 days}}\n", 14, true,
     "本版本不执行 \"kept\"", "\"kept\" is not carried out"},
    {HEAD STAGES STEPS ROUTE "    fields: {f: {name: [甲, F], type: text, sealed: yes}}\n", 14, false,
     "本版本不执行 \"sealed\"", "\"sealed\" is not carried out"},
    {SOUND "prompts: {c: {clause: C}}\n", 15, false, "本版本不执行 \"prompts\"", "\"prompts\" is not carried out"},
    {SOUND "indicators: {p: {clause: C, name: [率, P], figure: count of nothing}}\n", 15, false,
     "没有可计数的 \"nothing\"", "nothing is called \"nothing\""},
    {SOUND "indicators: {p: {clause: C, name: [率, P], of: k, figure: count of bb}}\n", 15, false,
     "k 没有阶段、步骤或时限 \"bb\"", "k has no stage, step or clock \"bb\""},
    {SOUND "indicators: {p: {clause: C, name: [率, P], of: kk, figure: count of closed}}\n", 15, false,
     "没有事项 \"kk\"", "there is no kind \"kk\""},
    {SOUND "indicators: {p: {clause: C, name: [率, P], figure: number of b}}\n", 15, false, "不是指标",
     "this is no figure of an indicator"},
    {SOUND "indicators: {p: {clause: C, name: [率, P], figure: 100th percentile of time from received to closed}}\n",
     15, false, "90th percentile", "percentile (1 to 99)"},
    {SOUND "indicators: {p: {clause: C, name: [率, P], of: k, figure: median of b}}\n", 15, false,
     "没有数字、金额或分数字段", "no field of number, money or grades"},
    {SOUND "indicators: {p: {clause: C, name: [率, P], figure: count of closed, trend: 1}}\n", 15, false, "2 至 36",
     "trend is 2 to 36 periods"},
    {SOUND "indicators: {p: {clause: C, name: [率, P], figure: count of closed, target: {falls: always}}}\n", 15, false,
     "previous 或 last year", "previous or \"last year\" is accepted"},
    {SOUND
     "indicators: {p: {clause: C, name: [率, P], figure: count of closed, target: {falls: previous, at_most: 3}}}\n",
     15, false, "之一", "at_least, at_most, falls or rises is needed"},
    {SOUND "indicators: {p: {clause: C, name: [率, P], of: k, figure: mean of b}}\n", 15, false,
     "没有数字、金额或分数字段", "no field of number, money or grades"},
    {SOUND "indicators: {p: {clause: C, name: [率, P], figure: count of closed, weight: {q: 100 %}}}\n", 15, false,
     "须有 figure、weight、veto 之一", "figure, weight or veto is needed"},
    {SOUND "indicators: {p: {clause: C, name: [率, P], veto: [q]}}\n", 15, false, "之前没有指标 \"q\"",
     "there is no indicator \"q\" before this one"},
    {SOUND "indicators: {p: {clause: C, name: [率, P], weight: {q: 40 %}}}\n", 15, false, "权重之和须为 100 %",
     "the weights must add up to 100 %"},
    {SOUND
     "indicators: {p: {clause: C, name: [率, P], figure: count of on time / count of rated, target: {at_least: 3}}}\n",
     15, false, "目标须为 95 %", "a target as 95 % is accepted"},
    {SOUND "indicators: {p: {clause: C, name: [率, P], figure: mean of time from received to closed, target: {at_most: "
           "3}}}\n",
     15, false, "目标须为 48 h", "a target as 48 h is accepted"},
    {SOUND
     "indicators: {p: {clause: C, name: [率, P], figure: count of closed, target: {at_least: 3, for: 2025-13}}}\n",
     15, false, "不是期间", "this is no period"},
    {SOUND "indicators: {p: {clause: C, name: [率, P], figure: count of closed, target: {}}}\n", 15, false, "之一",
     "at_least, at_most, falls or rises is needed"},
    {SOUND "indicators: {p: {clause: C, name: [率, P], figure: count of closed, period: week}}\n", 15, false,
     "期间须为", "a period is half month, month, quarter or year"},
    {SOUND "indicators: {p: {clause: C, name: [率, P], figure: count of closed, per: planet}}\n", 15, false, "per 须为",
     "per is site, department, handler, first_contact, category or stage"},
    {SOUND "indicators: {p: {clause: C, name: [率, P], figure: count of closed, in_a_row: 1}}\n", 15, false,
     "in_a_row 为 2 至 36", "in_a_row is 2 to 36"},
    {SOUND "indicators: {p: {clause: C, name: [率, P], figure: count of closed, where: {b: present}}}\n", 15, false,
     "where 须写明 of", "\"where\" needs \"of\""},
    /* figures that cases are given */
    {HEAD STAGES "    fields: {f: {clause: C, name: [率, F], is: indicator nothing of last month}}\n" STEPS ROUTE, 12,
     false, "没有指标 \"nothing\"", "there is no indicator \"nothing\""},
    {HEAD STAGES "    fields: {f: {clause: C, name: [率, F], is: indicator p of next month}}\n" STEPS ROUTE, 12, false,
     "不是算式", "indicator NAME of last month"},
    {HEAD STAGES "    fields: {f: {clause: C, name: [率, F], is: indicator p of last for handler}}\n" STEPS ROUTE, 12,
     false, "不是算式", "indicator NAME of last month"},
    {HEAD STAGES "    fields: {f: {clause: C, name: [率, F], is: indicator p of last year}}\n" STEPS ROUTE
                 "indicators: {p: {clause: C, name: [率, P], figure: count of closed}}\n",
     12, false, "不按此期间统计", "p is not counted by that period"},
    {HEAD STAGES "    fields: {f: {clause: C, name: [率, F], is: indicator p of last month for handler}}\n" STEPS ROUTE
                 "indicators: {p: {clause: C, name: [率, P], figure: count of closed}}\n",
     12, false, "不能写 for", "takes no `for`"},
    {HEAD STAGES
     "    fields: {f: {clause: C, name: [率, F], type: number, is: indicator p of last month}}\n" STEPS ROUTE
     "indicators: {p: {clause: C, name: [率, P], figure: count of closed / count of received}}\n",
     12, false, "只有 count of", "only one figure of count of .. can be a number"},
    /* linking cases */
    {HEAD STAGES CASES "    steps: {go: {name: [去, Go], from: [a, b], to: c, by: clerk, link: {grade: like}}}\n" ROUTE,
     13, false, "type: case", "a field of type: case"},
    {HEAD STAGES CASES "    steps: {go: {name: [去, Go], from: [a, b], to: c, by: clerk, link: {lead: like}, unlink: "
                       "{lead: like}}}\n" ROUTE,
     13, false, "link 或 unlink 之一", "either link or unlink"},
    {HEAD STAGES CASES "    steps: {go: {name: [去, Go], from: [a, b], to: c, by: clerk, link: {lead: like}, copy: "
                       "{also: [grade]}}}\n" ROUTE,
     13, false, "须用同一字段", "name the same field"},
    {HEAD STAGES CASES
     "    steps: {go: {name: [去, Go], from: [a, b], to: c, by: clerk, copy: {lead: [garde]}}}\n" ROUTE,
     13, false, "不是 k 的字段", "did you mean \"grade\"?"},
    {HEAD STAGES CASES STEPS ROUTE "    rules: {r: {clause: C, when: lead nowhere, then: {tell: note}}}\n", 15, false,
     "没有事项有阶段", "no kind has a stage \"nowhere\""},
    {HEAD STAGES CASES STEPS ROUTE
     "    clocks: {t: {clause: C, name: [时, T], start: a, stop: [b, lead c], limit: 3 days}}\n",
     15, false, "时钟不能等待", "let a rule take a step"},
    /* shifts; what approves policies */
    {SOUND "schedules: {s: {clause: C, every: shift of nobody, open: k}}\n", 15, false, "没有值班表 \"nobody\"",
     "there is no roster \"nobody\""},
    {SOUND "rosters: {r: {clause: C, name: [班, R], posts: [clerk]}}\n"
           "schedules: {s: {clause: C, every: shift of r, open: k, to: clerk}}\n",
     16, false, "不写 for、to", "no for, to, opens, due"},
    {SOUND "    approves: everything\n", 15, false, "可用：policy", "accepted: policy"},
    {SOUND "    approves: policy in nowhere\n", 15, false, "没有阶段", "there is no stage \"nowhere\""},
    {SOUND "indicators: {p: {clause: C, name: [率, P], figure: count of closed, rank: lowest, per: handler}}\n", 15,
     false, "lowest 5 %", "accepted: lowest 5 %, highest 10 %"},
    {SOUND "indicators: {p: {clause: C, name: [率, P], figure: count of closed, rank: lowest 5 %}}\n", 15, false,
     "排名须有 per", "a rank needs per: department, handler, first_contact or category"},
    {SOUND "indicators: {p: {clause: C, name: [率, P], figure: count of closed, per: handler, see: nobody_there}}\n",
     15, true, "须有同名部门", "a department of the site must bear that name"},
    {"pack: X\nname: [甲, X]\nposts: {clerk: {clause: C, name: [员, Clerk]}}\nnotices:\n  late: {clause: C, name: [迟, "
     "Late], text: [迟, Late]}\nkinds:\n  k:\n    clause: C\n    name: [甲, K]\n" STAGES STEPS ROUTE
     "    rules: {r: {clause: C, when: b, then: {tell: late}}}\n",
     13, true, "无人可告知", "a rule tells it to nobody"},
    {SOUND "    rules: {r: {clause: C, when: b, then: {open: k, due: 3 days}}}\n", 15, true, "无人看守",
     "nobody watches this due"},
    /* names that would do nothing, in silence */
    {SOUND "    rules: {r: {clause: C, when: b, then: {set: {garde: x}}}}\n", 15, false, "没有字段 \"garde\"",
     "did you mean \"grade\"?"},
    {HEAD STAGES FIELDS "    steps: {go: {name: [去, Go], from: a, to: b, by: clerk, set: {garde: x}}, end: {name: "
                        "[完, End], from: b, to: c, "
                        "by: clerk}}\n" ROUTE,
     13, false, "没有字段 \"garde\"", "set: k has no field \"garde\", and nothing asks for it"},
    {SOUND "    rules: {r: {clause: C, when: b, then: {open: k, each: partz}}}\n", 15, false, "没有以此名关联的案件",
     "no case is linked by it, and it names nobody"},
    {SOUND "    rules: {r: {clause: C, when: b, then: {tell: note, each: nolink}}}\n", 15, false, "each：\"nolink\"",
     "each: \"nolink\" is no field of k"},
    {SOUND "    rules: {r: {clause: C, when: b, then: {open: k, with: {grade: \"{garde}\"}}}}\n", 15, false,
     "不是 k 的字段", "did you mean \"grade\"?"},
    {SOUND "    rules: {r: {clause: C, before: end, if: {none: {visitz.phase: closed}}, refuse: [否, No]}}\n", 15,
     false, "没有以此名关联", "\"visitz\" is no field of parts, and no case is linked by it"},
    {SOUND "    may: {m: {clause: C, who: clerk, do: [see, goo]}}\n", 15, false, "没有步骤 \"goo\"",
     "did you mean \"go\"?"},
    {SOUND "    never: {m: {clause: C, who: clerk, do: goo}}\n", 15, false, "没有步骤 \"goo\"", "did you mean \"go\"?"},
    {SOUND "never: {m: {clause: C, who: clerk, do: goo}}\n", 15, false, "没有步骤 \"goo\"",
     "also accepted: see register unseal attach_file extend any"},
    {SOUND "    number: \"{dat}-{nnn}\"\n", 15, false, "没有可填入 {dat}", "did you mean \"date\"?"},
    {SOUND "documents: {d: {clause: C, name: [表, Form], blocks: [case], number: \"{cas}-{n}\"}}\n", 15, false,
     "没有可填入 {cas}", "accepted: {case} {code} {n}"},
    {SOUND "documents: {d: {clause: C, name: [表, Form], blocks: [case], copies: [clrek]}}\n", 15, true,
     "站点须有同名部门", "did you mean \"clerk\"?"},
    {SOUND "    returns: {clause: C, at_most: 1, to: clrek}\n", 15, true, "站点须有同名部门",
     "did you mean \"clerk\"?"},
    {SOUND "    stage_names: {d: [丁, D]}\n", 15, false, "没有阶段 \"d\"", "stage_names: there is no stage \"d\""},
    {HEAD STAGES "    fields: {f: {name: [次, F], type: number, is: count of goo}}\n" STEPS ROUTE, 12, false,
     "不是 k 的步骤", "did you mean \"go\"?"},
    {HEAD STAGES
     "    fields: {w: {name: [词, W], type: name}, f: {name: [和, F], type: number, is: sum of w}}\n" STEPS ROUTE,
     12, false, "不是各部分或所关联案件的数字", "accepted: PARTS.FIELD, LINK.FIELD, as points.cost"},
    {HEAD STAGES
     "    fields: {w: {name: [词, W], type: name}, f: {name: [差, F], type: number, is: w - f}}\n" STEPS ROUTE,
     12, false, "没有数字、金额或时长字段 \"w\"", "no field of number, money or duration \"w\""},
    {SOUND "    clocks: {t: {clause: C, name: [时, T], start: a, stop: [b, c], limit: must}}\n", 15, false,
     "不是 k 的时间", "\"must\" is no field of k of type time or duration"},
    {"pack: X\nname: [甲, X]\nposts: {clerk: {clause: C, name: [员, Clerk]}, boss: {clause: C, name: [长, Boss]}}\n"
     "kinds:\n  k:\n    clause: C\n    name: [甲, K]\n" STAGES
     "    fields: {amount: {name: [额, Amount], type: money, needed: always}}\n" STEPS ROUTE
     "    limits: {go: {clause: C, clerk: {at_most: 100 yuan}, boss: any}}\n",
     12, false, "轮到该岗位的金额无人可办", "boss is not among those who take go (by)"},
    /* posts, notices */
    {SOUND "ladders: {l: {clause: C, rows: [{at: late, tell: superior of clerk}]}}\n", 15, false, "没有上级",
     "\"superior of clerk\" is nobody"},
    {"pack: X\nname: [甲, X]\nposts:\n  p: {clause: C, name: [甲, P], superior: q}\n  q: {clause: C, name: [乙, Q], "
     "superior: p}\nkinds:\n  k:\n    clause: C\n    name: [甲, K]\n" STAGES
     "    steps: {go: {name: [去, Go], from: a, to: c, by: p}}\n    route: {o: {clause: C, to: p}}\n",
     4, false, "上级成环", "superiors in a circle: p → q → p"},
    {NOTICE("{clause: C, name: [知, N], to: clerk, by: [emial], text: [到, by]}"), 5, false, "没有渠道 \"emial\"",
     "did you mean \"email\"?"},
    {NOTICE("{clause: C, name: [知, N], to: clerk, by: [pigeon], text: [到, by]}"), 5, true, "由人告知",
     "no program sends by \"pigeon\""},
    {NOTICE("{clause: C, name: [知, N], to: clerk, by: [portal], text: [到, by]}"), 5, true, "只有投诉人可看",
     "only the complainant reads the portal: clerk is not told"},
    {NOTICE("{clause: C, name: [知, N], to: must, by: [email], text: [到, by]}"), 5, false, "字段 \"must\" 不指任何人",
     "the field \"must\" names nobody"},
    {SOUND "schedules: {s: {clause: C, every: month, open: k, to: clerk, due: day 32 of next month}}\n", 15, false,
     "不是时间", "\"day 32 of next month\" is no time"},
    {SOUND "schedules: {s: {clause: C, every: month, open: k, to: clerk, due: 31 april}}\n", 15, false, "不是时间",
     "\"31 april\" is no time"},
    /* clocks that run on, limits for some only, rules that are there twice */
    {HEAD
     "    stages: {a: new, b: working, c: closed, w: closed}\n" FIELDS
     "    steps: {go: {name: [去, Go], from: a, to: b, by: clerk}, end: {name: [完, End], from: b, to: c, by: clerk}, "
     "withdraw: {name: [撤, Withdraw], from: [a, b], to: w, by: complainant}}\n" ROUTE
     "    clocks: {t: {clause: C, name: [时, T], start: a, stop: c, limit: 3 days}}\n",
     15, true, "案件到 w 已经结束", "the case is over in w, and this clock runs on"},
    {HEAD STAGES
     "    fields: {grade: {name: [级, Grade], one_of: [x, y, z], default: x}}\n" STEPS ROUTE
     "    clocks: {t: {clause: C, name: [时, T], start: a, stop: c, limit: [{if: {grade: x}, is: 1 h}, {if: "
     "{grade: z}, is: 2 h}]}}\n",
     15, true, "limit 不完备：grade 为 y", "there is no row for grade y"},
    {SOUND "    rules:\n      r: {clause: C, before: end, if: {must: x}, refuse: [否, No]}\n"
           "      s: {clause: C, before: end, if: {must: x}, refuse: [不, Not]}\n",
     17, true, "与规则 r 相同", "the same as rule r"},
    {SOUND "    rules: {r: {clause: C, before: end, refuse: [否, No]}}\n", 15, true, "永远被拒绝",
     "end is refused always"},
    {HEAD STAGES FIELDS STEPS
     "    route:\n      o: {clause: C, to: clerk}\n      r: {clause: C, if: {must: x}, to: clerk}\n",
     16, false, "没有 if 的行写在最后", "written behind o, which has no `if`"},
    {HEAD STAGES FIELDS STEPS "    route:\n      o: {clause: C, to: clerk}\n      r: {clause: C, to: handler}\n", 16,
     false, "永不生效", "never reached: o has no `if` either"},
    {SOUND "    chains: {ch: {clause: C, name: [批, Ch], links: [clrek]}}\n", 15, true, "站点须有同名部门",
     "did you mean \"clerk\"?"},
    {"pack: X\nname: [甲, X]\nsettings:\n  s: {clause: C, name: [限, S], value: 1 hx}\nkinds:\n  k:\n    clause: C\n"
     "    name: [甲, K]\n" STAGES STEPS ROUTE
     "    clocks: {t: {clause: C, name: [时, T], start: a, stop: c, limit: $s}}\n",
     4, false, "不是时间", "\"1 hx\" is no time"},
    {HEAD STAGES "    steps: {go: {name: [去, Go], from: a, to: b, by: clerk, needs: [told nothing]}}\n" ROUTE, 12,
     false, "没有通知", "there is no notice"},
};

static bool is_found(const struct policy_result *result, const struct finding *finding, const char *file)
{
    for (size_t i = 0; i < result->count; i++) {
        const struct policy_mistake *one = &result->mistakes[i];
        if (one->line == finding->line && one->warning == finding->warning && strcmp(one->file, file) == 0 &&
            strstr(one->zh, finding->zh) && strstr(one->message, finding->en))
            return true;
    }
    return false;
}

static void check_text(struct arena *arena, const char *text, struct policy_result *result)
{
    struct policy_source source = {"X/pack.yaml", bytes_of_text(text)};
    const char *const packs[] = {"X"};
    policy_compile(&source, 1, packs, 1, arena, result);
    policy_check(result, arena);
}

static void print(const struct policy_result *result)
{
    for (size_t i = 0; i < result->count; i++)
        print_message("%s:%u: %s: %s (%s)\n", result->mistakes[i].file, result->mistakes[i].line,
                      result->mistakes[i].field, result->mistakes[i].message, result->mistakes[i].zh);
}

static void the_example_is_sound(void **state)
{
    (void)state;
    struct arena arena;
    struct policy_result result;
    arena_init(&arena);
    check_text(&arena, SOUND, &result);
    print(&result);
    assert_int_equal(result.count, 0);
    assert_non_null(result.policy);
    arena_fini(&arena);
}

static void findings_name_their_line(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof findings / sizeof *findings; i++) {
        struct arena arena;
        struct policy_result result;
        arena_init(&arena);
        check_text(&arena, findings[i].text, &result);
        if (!is_found(&result, &findings[i], "X/pack.yaml")) {
            print_message("finding %zu, line %u, \"%s\"; it said:\n", i, findings[i].line, findings[i].en);
            print(&result);
            fail();
        }
        assert_true((result.policy == NULL) == !findings[i].warning); /* a warning lets publishing go on */
        arena_fini(&arena);
    }
}

/* A mistake of one kind, here of the form, does not hide what is wrong with the next one; nor does one that all may
 * name.
 */
static void all_kinds_are_checked(void **state)
{
    static const char other[] = "  l:\n    clause: C\n    name: [乙, L]\n" STAGES FIELDS STEPS ROUTE
                                "    rules: {r: {clause: C, when: b, if: {garde: x}, then: {tell: note}}}\n";
    struct arena arena;
    struct policy_result result;
    (void)state;
    arena_init(&arena);
    char *text =
        arena_printf(&arena, "%s    clocks: {t: {clause: C, name: [时, T], start: a, stop: b}}\n%s", SOUND, other);
    check_text(&arena, text, &result);
    print(&result);
    assert_null(result.policy);
    assert_int_equal(result.count, 2);
    assert_int_equal(result.mistakes[0].line, 15);
    assert_int_equal(result.mistakes[1].line, 23);
    assert_non_null(strstr(result.mistakes[1].message, "did you mean \"grade\"?"));
    text = arena_printf(&arena, "%s%sdocuments: {d: {clause: C, name: [丁, D]}}\n", SOUND, other);
    check_text(&arena, text, &result); /* no kind needs it */
    assert_null(result.policy);
    assert_int_equal(result.count, 2);
    assert_int_equal(result.mistakes[1].line, 22);
    text = arena_printf(&arena,
                        "%s    clocks: {t: {clause: C, name: [时, T], start: a, stop: b}}\nclauses: {D-1: [丁, D]}\n"
                        "never: {n: {clause: D-11, who: clerk, do: any}}\n",
                        SOUND);
    check_text(&arena, text, &result); /* nor a clause that nobody knows, nor one that no rule carries */
    print(&result);
    assert_null(result.policy);
    assert_int_equal(result.count, 3);
    assert_int_equal(result.mistakes[1].line, 16);
    assert_int_equal(result.mistakes[2].line, 17);
    assert_non_null(strstr(result.mistakes[2].message, "there is no clause \"D-11\"; did you mean \"D-1\"?"));
    text = arena_printf(&arena, "%s%sthings: {t: {clause: C}}\n", SOUND, other);
    check_text(&arena, text, &result);
    assert_null(result.policy);
    assert_int_equal(result.count, 2);
    assert_int_equal(result.mistakes[1].line, 22);
    arena_fini(&arena);
}

/* What does not compile hides nothing but what would follow from it. */
static void all_mistakes_at_once(void **state)
{
    static const char lost[] = "    clocks: {t: {clause: C, name: [时, T], start: a, stop: b, limit: 2 hours}}\n"
                               "    rules: {r: {clause: D-11, when: b, then: {tell: n}}}\n"
                               "notices: {n: {clause: C, name: [知, N], to: [], hours: never, text: [知]}}\n"
                               "clauses: {D-1: [丁, D]}\n";
    static const char *const said[] = {"\"colour\" is not known here",
                                       "hours of every day",
                                       "\"2 hours\" is no time",
                                       "a dead end",
                                       "told to nobody",
                                       "the text has no English",
                                       "did you mean \"D-1\"?"};
    static const unsigned lines[] = {10, 15, 13, 9, 15, 15, 14};
    struct arena arena;
    struct policy_result result;
    (void)state;
    arena_init(&arena);
    check_text(
        &arena,
        arena_printf(&arena, "%s%s%s%s%s",
                     "pack: X\nname: [甲, X]\nposts:\n  clerk: {clause: C, name: [员, Clerk]}\nkinds:\n"
                     "  k:\n    clause: C\n    name: [甲, K]\n    stages: {a: new, b: working, c: closed, d: "
                     "working}\n    colour: red\n",
                     "    steps: {go: {name: [去, Go], from: a, to: b, by: clerk}, end: {name: [完, End], from: b, "
                     "to: c, by: clerk}, sink: {name: [沉, Sink], from: b, to: d, by: clerk}}\n",
                     ROUTE, lost, ""),
        &result);
    print(&result);
    assert_null(result.policy);
    assert_int_equal(result.count, 8); /* and that no rule carries D-1 */
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        bool found = false;
        for (size_t m = 0; m < result.count; m++)
            found = found || (result.mistakes[m].line == lines[i] && strstr(result.mistakes[m].message, said[i]));
        assert_true(found);
    }
    arena_fini(&arena);
}

static void check_texts(struct arena *arena, const char *first, const char *second, struct policy_result *result)
{
    const struct policy_source sources[] = {{"B/pack.yaml", bytes_of_text(first)},
                                            {"X/pack.yaml", bytes_of_text(second)}};
    const char *const packs[] = {"X"};
    policy_compile(sources, 2, packs, 1, arena, result);
    policy_check(result, arena);
}

/* What is no map is told once, and what stands below it is not lost. */
static void what_is_no_map_stands_as_below(void **state)
{
    static const char *const over[] = {"    steps:\n",
                                       "    rules: [r]\n",
                                       "    stages: none\n",
                                       "    steps: {go: removed}\n",
                                       "    fields: {new: text}\n",
                                       "    route: yes\n"};
    struct arena arena;
    struct policy_result result;
    (void)state;
    for (size_t i = 0; i < sizeof over / sizeof *over; i++) {
        arena_init(&arena);
        check_texts(&arena, SOUND "    rules: {r: {clause: C, before: end, if: {must: x}, refuse: [否, No]}}\n",
                    arena_printf(&arena, "pack: X\nname: [甲, X]\nextends: B\nkinds:\n  k:\n%s", over[i]), &result);
        print(&result);
        assert_null(result.policy);
        assert_int_equal(result.count, 1);
        assert_string_equal(result.mistakes[0].file, "X/pack.yaml");
        assert_int_equal(result.mistakes[0].line, 6);
        assert_non_null(strstr(result.mistakes[0].message, "a map is accepted here"));
        arena_fini(&arena);
    }
}

/* A kind that takes up another's items is not the one to blame, wherever it stands. */
static void of_the_kind_it_belongs_to(void **state)
{
    static const char like[] = "kinds:\n  j: {clause: C, name: [乙, J], like: k}\n";
    static const char *const rows[] = {
        "    clocks: {t: {clause: C, name: [时, T], start: a, stop: b, limit: 2 hours}}\n",
        "    rules: {r: {clause: C, when: b, if: {garde: x}, then: {tell: note}}}\n"};
    struct arena arena;
    struct policy_result result;
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        arena_init(&arena);
        const char *kinds = strstr(SOUND, "kinds:\n");
        char *head = arena_text(&arena, SOUND, (size_t)(kinds - SOUND));
        check_text(&arena, arena_printf(&arena, "%s%s%s%s", head, like, kinds + 7, rows[i]), &result);
        print(&result);
        assert_int_equal(result.count, 1);
        assert_int_equal(strncmp(result.mistakes[0].field, "kinds.k.", 8), 0);
        arena_fini(&arena);
    }
}

/* Two files of one pack: the name of a file decides nothing. */
static void files_that_differ(void **state)
{
    static const struct {
        const char *text, *field;
        unsigned line, before;
    } files[] = {
        {"kinds: {k: {fields: {must: {needed: at end}}}}\n", "kinds.k.fields.must.needed", 1, 12},
        {"kinds: {k: {stages: {b: waiting}}}\n", "kinds.k.stages.b", 1, 11},
        {"notices:\n  note: {to: handler}\n", "notices.note.to", 2, 5},
        {"kinds: {k: {route: {p: {clause: C, to: handler}}}}\n", "kinds.k.route.p", 1, 14},
        {"kinds: {k: {fields: {must: {public: yes}}, stages: {b: working}}}\n", NULL, 0, 0},
    };
    struct arena arena;
    (void)state;
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        struct policy_result result;
        const struct policy_source sources[] = {{"X/pack.yaml", bytes_of_text(SOUND)},
                                                {"X/z.yaml", bytes_of_text(files[i].text)}};
        const char *const packs[] = {"X"};
        arena_init(&arena);
        policy_compile(sources, 2, packs, 1, &arena, &result);
        policy_check(&result, &arena);
        print(&result);
        assert_int_equal(result.count, files[i].field ? 1 : 0);
        if (files[i].field) {
            assert_string_equal(result.mistakes[0].field, files[i].field);
            assert_string_equal(result.mistakes[0].file, "X/z.yaml");
            assert_int_equal(result.mistakes[0].line, files[i].line);
            assert_non_null(strstr(result.mistakes[0].message,
                                   arena_printf(&arena, "otherwise in X/pack.yaml:%u: keep one", files[i].before)));
            assert_null(result.policy);
        }
        arena_fini(&arena);
    }
}

/* Nor does what is wrong in the head, or a section that is misspelt: that is read as what it is near to. */
static void a_misspelt_head_hides_nothing(void **state)
{
    static const char rule[] = "    rules: {r: {clause: C, when: b, if: {garde: x}, then: {tell: note}}}\n";
    static const struct {
        const char *text, *head;
        int line, lines; /* of the head's mistake; that it adds */
    } heads[] = {
        {"pack: X\nname: [甲, X]\nposts:\n  clerk: {clause: C, name: [员, Clerk]}\nnotice:\n",
         "did you mean \"notices\"?", 6, 0},
        {"pack: X\nname: [甲, X]\nversion: 2\nposts:\n  clerk: {clause: C, name: [员, Clerk]}\nnotices:\n",
         "\"version\" is not known here (accepted: pack name extends", 3, 1},
        {"pack: X\nname: [甲, X]\nrules: {}\nposts:\n  clerk: {clause: C, name: [员, Clerk]}\nnotices:\n",
         "\"rules\" is not known here", 3, 1},
        {"pack: X\nposts:\n  clerk: {clause: C, name: [员, Clerk]}\nnotices:\n", "\"name\" is missing", 1, -1},
        {"pack: X\nname: [甲, X]\nin_force: soon\nposts:\n  clerk: {clause: C, name: [员, Clerk]}\nnotices:\n",
         "in_force is a day", 3, 1},
        {"pack: X\nname: [甲, X]\npatterns: [5]\nposts:\n  clerk: {clause: C, name: [员, Clerk]}\nnotices:\n",
         "patterns: a map is accepted here", 3, 1},
    };
    (void)state;
    for (size_t i = 0; i < sizeof heads / sizeof *heads; i++) {
        struct arena arena;
        struct policy_result result;
        arena_init(&arena);
        check_text(
            &arena,
            arena_printf(&arena,
                         "%s  note: {clause: C, name: [知, Note], to: clerk, text: [\"知 {nothing}\", Note]}\nkinds:\n"
                         "  k:\n    clause: C\n    name: [甲, K]\n%sclauses: {D-1: [丁, D]}\n",
                         heads[i].text, arena_printf(&arena, "%s%s%s%s%s", STAGES, FIELDS, STEPS, ROUTE, rule)),
            &result);
        print(&result);
        assert_null(result.policy);
        assert_int_equal(result.count, 4);
        assert_int_equal(result.mistakes[0].line, heads[i].line);
        assert_non_null(strstr(result.mistakes[0].message, heads[i].head));
        assert_int_equal(result.mistakes[1].line, 15 + heads[i].lines);
        assert_non_null(strstr(result.mistakes[1].message, "did you mean \"grade\"?"));
        assert_int_equal(result.mistakes[2].line, 6 + heads[i].lines); /* of the whole: notices, clauses */
        assert_non_null(strstr(result.mistakes[2].message, "nothing fills {nothing}"));
        assert_int_equal(result.mistakes[3].line, 16 + heads[i].lines);
        arena_fini(&arena);
    }
}

/* What is told apart from a mistake: a fact that is tested, needed before, or has a default; a loop with a day in it.
 */
static void sound_ways_are_not_told(void **state)
{
    static const char *const texts[] = {
        SOUND "    rules: {r: {clause: C, when: b, if: {all: [{grade: present}, {grade: x}]}, then: {tell: note}}}\n",
        SOUND
        "    rules: {r: {clause: C, before: end, if: {all: [{actor.post: clerk}, {actor.post: other}]}, refuse: [否, "
        "No]}}\n",
        SOUND "    rules:\n      r: {clause: C, when: b, if: {must: x}, then: {set: {grade: x}}}\n"
              "      s: {clause: C, when: b, if: {must: [y, z]}, then: {set: {grade: y}}}\n",
        HEAD STAGES FIELDS STEPS "    route: {q: {clause: C, if: {must: x, stage: b}, to: clerk}, r: {clause: C, if: "
                                 "{must: x}, to: clerk}, o: {clause: C, to: clerk}}\n",
        HEAD STAGES TIMES STEPS ROUTE
        "    clocks: {t: {clause: C, name: [时, T], if: {until: {after: 3 days from a}}, start: a, stop: b, limit: "
        "[{if: "
        "{until: {after: 18:00}}, is: 1 day}, {is: 2 days}]}}\n"
        "    rules: {r: {clause: C, before: end, if: {until: passed}, refuse: [否, No]}}\n",
        SOUND "    rules: {r: {clause: C, when: grade, if: {grade: x}, then: {tell: note}}}\n",
        SOUND "    rules: {r: {clause: C, when: b, if: {round: {at_least: 3, at_most: 3}}, then: {tell: note}}}\n",
        SOUND "    rules: {r: {clause: C, before: end, if: {stage: [a, b]}, refuse: [否, No]}}\n",
        SOUND "    rules: {r: {clause: C, when: b, if: {must: x, stage: b, round: 1}, then: {tell: note}}}\n",
        SOUND "    clocks: {t: {clause: C, name: [时, T], start: a, stop: b, limit: 1 day}}\n"
              "    rules: {r: {clause: C, when: late t, then: {open: k}}}\n",
        HEAD STAGES FIELDS
        "    steps: {go: {name: [去, Go], from: a, to: b, by: clerk, needs: [grade]}, end: {name: [完, End], "
        "from: b, to: c, by: clerk}}\n" ROUTE
        "    rules: {r: {clause: C, when: b, if: {grade: x}, then: {tell: note}}, g: {clause: C, before: go, "
        "if: {grade: y}, refuse: [否, No]}}\n",
        SOUND "    clocks:\n      t: {clause: C, name: [时, T], main: yes, start: a, stop: [b, c], limit: 3 days}\n"
              "      u: {clause: C, name: [时, U], main: yes, start: b, stop: c, limit: 3 days}\n",
        /* rows for all choices that the clock is for; a step that notes what is asked; a clock for the time afterwards
         */
        HEAD STAGES "    fields: {grade: {name: [级, Grade], one_of: [x, y, z], default: x}}\n" STEPS ROUTE
                    "    clocks: {t: {clause: C, name: [时, T], if: {grade: [x, z]}, start: a, stop: c, limit: [{if: "
                    "{grade: x}, is: 1 h}, {if: {grade: z}, is: 2 h}]}}\n",
        HEAD STAGES FIELDS "    steps: {go: {name: [去, Go], from: a, to: b, by: clerk, set: {seen: yes}}, end: {name: "
                           "[完, End], from: b, "
                           "to: c, by: clerk}, back: {name: [回, Back], from: b, to: a, by: clerk}}\n" ROUTE
                           "    rules: {r: {clause: C, before: end, if: {seen: missing}, refuse: [否, No]}}\n",
        HEAD STAGES FIELDS "    steps: {go: {name: [去, Go], from: a, to: b, by: clerk}, end: {name: [完, End], from: "
                           "b, to: c, by: clerk}, "
                           "rate: {name: [评, Rate], from: c, by: complainant}}\n" ROUTE
                           "    clocks: {t: {clause: C, name: [时, T], start: c, stop: rate, limit: 3 days}}\n",
    };
    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct arena arena;
        struct policy_result result;
        arena_init(&arena);
        check_text(&arena, texts[i], &result);
        print(&result);
        assert_int_equal(result.count, 0);
        arena_fini(&arena);
    }
}

/* ---- files that are no pack but an attack ---- */

static void assert_refused(const char *text, size_t size, const char *says)
{
    struct arena arena;
    struct policy_result result;
    arena_init(&arena);
    struct policy_source source = {"X/pack.yaml", bytes_of(text, size)};
    const char *const packs[] = {"X"};
    policy_compile(&source, 1, packs, 1, &arena, &result);
    assert_null(result.policy);
    bool said = false;
    for (size_t i = 0; i < result.count; i++)
        said = said || strstr(result.mistakes[i].message, says);
    if (!said)
        print(&result);
    assert_true(said);
    arena_fini(&arena);
}

static void bombs_are_refused(void **state)
{
    (void)state;
    static const char aliases[] = "a: &a [x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c "
                                  "[*b,*b,*b,*b,*b,*b,*b,*b,*b]\nd: [*c,*c,*c,*c,*c,*c,*c,*c,*c]\n";
    assert_refused(aliases, sizeof aliases - 1, "anchors");
    static const char tag[] = "pack: !!python/object/apply:os.system [x]\n";
    assert_refused(tag, sizeof tag - 1, "tags");
    char deep[200];
    snprintf(deep, sizeof deep, "pack: %.*s\n", 60, "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[");
    assert_refused(deep, strlen(deep), "deeper than 32");
    size_t size = YAML_BYTES_MAX + 1;
    char *large = malloc(size);
    assert_non_null(large);
    memset(large, '#', size);
    assert_refused(large, size, "over 1 MB");
    memcpy(large, "pack: [", 7);
    for (size_t i = 7; i < size - 1; i++)
        large[i] = i % 2 ? 'a' : ',';
    assert_refused(large, size - 1, "more values than a text of this size may hold");
    free(large);
    static const char nul[] = "pack: \"a\\0b\"\n";
    assert_refused(nul, sizeof nul - 1, "NUL");
    static const char latin[] = "pack: caf\xe9\n";
    assert_refused(latin, sizeof latin - 1, "");
}

static void packs_in_a_circle(void **state)
{
    (void)state;
    struct arena arena;
    struct policy_result result;
    arena_init(&arena);
    struct policy_source sources[] = {{"X/p.yaml", bytes_of_text("pack: X\nname: [甲, X]\nextends: Y\n")},
                                      {"Y/p.yaml", bytes_of_text("pack: Y\nname: [乙, Y]\nextends: X\n")}};
    const char *const packs[] = {"X"};
    policy_compile(sources, 2, packs, 1, &arena, &result);
    assert_null(result.policy);
    assert_non_null(strstr(result.mistakes[0].message, "circle"));
    assert_string_equal(result.mistakes[0].file, "Y/p.yaml"); /* at once: not read eight times first */
    arena_fini(&arena);
}

/* The largest file there can be, wrong in every line, is answered at once and with a bounded list. */
static void a_large_file_is_no_trouble(void **state)
{
    (void)state;
    struct arena arena;
    struct policy_result result;
    arena_init(&arena);
    size_t room = YAML_BYTES_MAX, size = 0;
    char *text = arena_alloc(&arena, room + 1);
    size += (size_t)snprintf(text, room, "%s    rules:\n", SOUND);
    for (unsigned i = 0; size + 200 < room; i++) /* with a comment, or there are too many values in it */
        size += (size_t)snprintf(text + size, room - size,
                                 "      r%u: {clause: C, when: b, if: {garde: x}, then: {step: back}} # %050u\n", i, i);
    check_text(&arena, text, &result);
    assert_null(result.policy);
    assert_int_equal(result.count, POLICY_MISTAKES_MAX);
    arena_fini(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_example_is_sound),       cmocka_unit_test(findings_name_their_line),
        cmocka_unit_test(all_kinds_are_checked),      cmocka_unit_test(sound_ways_are_not_told),
        cmocka_unit_test(bombs_are_refused),          cmocka_unit_test(packs_in_a_circle),
        cmocka_unit_test(a_large_file_is_no_trouble), cmocka_unit_test(a_misspelt_head_hides_nothing),
        cmocka_unit_test(all_mistakes_at_once),       cmocka_unit_test(what_is_no_map_stands_as_below),
        cmocka_unit_test(of_the_kind_it_belongs_to),  cmocka_unit_test(files_that_differ),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
