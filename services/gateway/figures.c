/* GET /reports/definitions: what each figure of a site is, in words, and which filter of the list of cases has exactly
   the cases that are counted (part) and, of a share, those it is of (among). Of the policy's own indicators GET
   /reports/indicators says so. */
#include "reports.h"

static const struct {
    const char *name, *zh, *en;
    const char *unit; /* "cases", "share", "mean" */
    const char *part,
        *among; /* parameters of GET /cases, beside the site and period that are looked at; NULL: no share */
} figures[] = {
    {"registered", "在此期间收到并登记的案件", "cases received in the period", "cases", "", NULL},
    {"open", "其中尚未办结的", "of which are not closed", "cases", "phase=open", NULL},
    {"closed", "其中已办结或归档的", "of which are closed or archived", "cases", "phase=closed,archived", NULL},
    {"on_time", "主期限按期完成的", "whose main deadline was met in time", "cases", "on_time=true", NULL},
    {"overdue", "主期限超期的，无论后来是否完成", "whose main deadline was missed, met later or not", "cases",
     "on_time=false", NULL},
    {"late_open", "在办案件中主期限已超期的；到场等其他期限的超期见“已超期”列表",
     "open cases whose main deadline was missed; others, as of arrival, are in the list of what is late", "cases",
     "overdue=true", NULL},
    {"on_time_share", "按期 ÷（按期 + 超期），以主期限为准", "on time ÷ (on time + overdue), by the main deadline",
     "share", "on_time=true", "on_time=*"},
    {"response", "从收到至首次受理的平均时间，限已受理的案件",
     "mean time from receipt to first acceptance, of cases that were accepted", "mean", "responded=true", NULL},
    {"resolution", "从收到至办结的平均时间，限已办结的案件", "mean time from receipt to closing, of closed cases",
     "mean", "phase=closed,archived", NULL},
    {"satisfied", "回访为满意的", "whose complainant was satisfied", "cases", "satisfied=satisfied", NULL},
    {"dissatisfied", "回访为不满意的", "whose complainant was not satisfied", "cases", "satisfied=dissatisfied", NULL},
    {"satisfied_share", "满意 ÷（满意 + 不满意）", "satisfied ÷ (satisfied + dissatisfied)", "share",
     "satisfied=satisfied", "satisfied=*"},
    {"reopened", "办理过不止一轮的", "handled more than once", "cases", "reopened=true", NULL},
    {"reopened_share", "重办 ÷ 登记", "reopened ÷ registered", "share", "reopened=true", ""},
    {"returned", "至少退单一次的", "given back at least once", "cases", "returned=true", NULL},
    {"returned_share", "退单 ÷ 登记", "given back ÷ registered", "share", "returned=true", ""},
    {"escalated", "曾达到某一升级的", "that reached a level of escalation", "cases", "escalated=true", NULL},
};

void reports_definitions(struct http_request *request)
{
    json_t *list = json_array();
    for (size_t i = 0; i < sizeof figures / sizeof *figures; i++) {
        json_t *one = json_pack("{s:s, s:{s:s, s:s}, s:s, s:s}", "name", figures[i].name, "definition", "zh",
                                figures[i].zh, "en", figures[i].en, "unit", figures[i].unit, "part", figures[i].part);
        if (figures[i].among)
            json_object_set_new(one, "among", json_string(figures[i].among));
        json_array_append_new(list, one);
    }
    http_respond_json(request, 200, json_pack("{s:o}", "figures", list));
}
