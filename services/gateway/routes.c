#include "routes.h"

#include "account_limit.h"
#include "attachment.h"
#include "audit.h"
#include "auth.h"
#include "cases.h"
#include "console.h"
#include "events.h"
#include "health.h"
#include "held.h"
#include "http_internal.h"
#include "labels.h"
#include "open311.h"
#include "openapi.h"
#include "organisation.h"
#include "policy_try.h"
#include "portal.h"
#include "portal_files.h"
#include "problem.h"
#include "reports.h"
#include "session.h"
#include "views.h"

#define SITE                                                                                                           \
    {                                                                                                                  \
        "site", "站点 / site id"                                                                                     \
    }
#define CELL                                                                                                           \
    {                                                                                                                  \
        "cell", "系统编号，总部用 / id of a cell, at headquarters; this one's own id: it alone"                \
    }
#define ACCOUNT                                                                                                        \
    {                                                                                                                  \
        "account", "账号，缺省为本人 / account; one's own"                                                     \
    }
#define PURPOSE                                                                                                                                     \
    {                                                                                                                                               \
        "purpose", "查看目的，将被记录；未说明则姓名、住址与号码被遮盖，保密事项不打开 / for what purpose sealed " \
                   "texts are opened; it is "                                                                                                       \
                   "recorded; without one names, addresses and numbers are masked, and a confidential case stays "                                  \
                   "sealed (purpose_needed)"                                                                                                        \
    }

/* What the list and its count are filtered by. */
#define FILTER                                                                                                         \
    {"case_id", "案件内部编号 / id of a case, unique within a cell"},                                                  \
        {"department", "部门 / department id; -: without one; so for handler, category, place"},                       \
        {"handler", "经办人 / person id"}, {"kind", "事项类型 / kind"}, {"category", "类别 / category"},               \
        {"stage", "阶段 / stage of the policy"},                                                                       \
        {"phase", "状态，可用逗号分隔 / new, working, waiting, done, closed, archived or open; several with commas"},  \
        {"number", "案件编号或其开头 / case number or its beginning"},                                                 \
        {"external_id", "外部编号 / id at the source of an import"},                                                   \
        {"overdue", "仅主期限超期而未结 / true: the main deadline was missed, and the case is not closed"},            \
        {"late", "仅有期限已超而未办 / true: a deadline, the main one or another, was missed and is not met"},         \
        {"on_time", "是否按期 / true, false, or * for either"},                                                        \
        {"received_from", "收到时间自 / received at or after"}, {"received_to", "收到时间至 / received before"},       \
        {"joint", "会办部门，* 为任一 / department that helps; *: any"},                                               \
        {"sealed", "保密案件 / true: confidential, or of a kind that the policy hides from some"},                     \
        {"approval", "待审批：mine 待本人，any 任何人 / open, and an approval waits: mine or any"},                    \
        {"duty", "未结的定期任务 / true: open, and opened by a schedule"},                                             \
        {"escalated", "已升级 / true: a level of escalation was reached"},                                             \
        {"escalated_to", "待此人确认升级 / open, and this person is to acknowledge a level"},                          \
        {"reopened", "重新办理过 / true: handled more than once"},                                                     \
        {"returned", "退单过 / true: given back at least once"},                                                       \
        {"responded", "已开始办理过 / true: somebody worked on it"},                                                   \
        {"step", "办理过此步骤 / a step of the policy that was taken at least once"},                                  \
        {"satisfied", "满意度 / what the field satisfied says; *: satisfied or dissatisfied"},                         \
        {"extended", "延期过 / true: a date of it was put off"},                                                       \
        {"indicator", "计入此指标的 / counted by this indicator of the policy"},                                       \
        {"period", "指标的期间 / in this period of it"}, {"who", "指标的对象 / of this one it is kept for"},           \
        {"counted", "指标的哪个数 / hits, among or lacking"},                                                          \
        {"place", "地点，限列出地点的事项 / place, where the kind lists its places"},                                  \
        {"due_from", "主期限自（未完成也未超期） / main deadline, neither met nor missed, at or after"},               \
    {                                                                                                                  \
        "due_to", "主期限至（未完成也未超期） / main deadline, neither met nor missed, before"            \
    }

const struct route routes[] = {
    {"GET", "/healthz", health_live, "进程在运行 / The process is up", .open = true, .spared = true,
     .gives_schema = openapi_live},
    {"GET", "/readyz", health_ready, "每个服务都能应答 / Every service answers", .open = true, .spared = true,
     .gives_schema = openapi_ready},
    {"GET", "/metrics", health_metrics, "网关的指标 / Figures of the gateway", .open = true, .spared = true,
     .gives_type = "text/plain"},
    {"GET", "/metrics/{service}", health_service_metrics, "某个服务的指标 / Figures of a service", .open = true,
     .spared = true, .gives_type = "text/plain"},
    {"GET", "/api/v1/openapi.json", openapi_get, "本接口的说明 / This description", .open = true, .spared = true,
     .gives_schema = openapi_document},
    {"GET", "/api/v1/about", about_show, "系统名称，是否为演示 / Name of the system; is it a demonstration?",
     .open = true, .gives_schema = openapi_about},
    {"POST", "/api/v1/session", session_sign_in, "登录，给出会话 cookie / Sign in; sets the cookie of a session",
     .open = true, .unkept = true, .takes_schema = openapi_sign_in, .gives_schema = openapi_session},
    {"GET", "/api/v1/session", session_show, "我是谁 / Who one is signed in as, and the CSRF token", .enrols = true,
     .gives_schema = openapi_session},
    {"DELETE", "/api/v1/session", session_sign_out, "退出登录 / Sign out", .unkept = true, .enrols = true,
     .gives_schema = openapi_tokens_ended},
    {"DELETE", "/api/v1/sessions", sessions_end,
     "在所有设备退出，令牌随之作废 / Sign out everywhere; all tokens end too", .unkept = true, .enrols = true,
     .gives_schema = openapi_tokens_ended},
    {"PUT", "/api/v1/session/password", session_password,
     "修改密码，其他会话随之结束 / Change one's password; all other sessions end", .unkept = true, .enrols = true,
     .takes_schema = openapi_password, .gives_schema = openapi_tokens_left},
    {"POST", "/api/v1/session/setup", session_setup, "以一次性设置码设定密码 / Set a password with a setup code, once",
     .open = true, .unkept = true, .takes_schema = openapi_setup, .gives_schema = openapi_tokens_ended},
    {"POST", "/api/v1/session/totp", session_totp_begin, "开始绑定验证器 / Begin to enrol an authenticator",
     .unkept = true, .enrols = true, .gives_schema = openapi_totp},
    {"PUT", "/api/v1/session/totp", session_totp_confirm,
     "以验证码确认绑定，给出恢复码 / Confirm it with a code; gives the recovery codes, once", .unkept = true,
     .enrols = true, .takes_schema = openapi_code, .gives_schema = openapi_recovery},
    {"DELETE", "/api/v1/session/totp", session_totp_end, "解除验证器 / Give the authenticator up", .unkept = true,
     .takes_schema = openapi_code, .gives_schema = openapi_nothing},
    {"GET", "/api/v1/tokens", tokens_list, "访问令牌 / API tokens, one's own or of an account",
     .gives_schema = openapi_tokens, .query = {ACCOUNT}},
    {"POST", "/api/v1/tokens", tokens_make,
     "新的访问令牌，权限不多于本人 / A new API token, with no more rights than one has", .unkept = true,
     .takes_schema = openapi_make_token, .gives_schema = openapi_token_made},
    {"DELETE", "/api/v1/tokens/{id}", tokens_end, "作废令牌 / End an API token", .unkept = true,
     .gives_schema = openapi_nothing, .query = {ACCOUNT}},
    {"POST", "/api/v1/accounts/{account}/setup", accounts_setup,
     "给出一次性设置码，用以设定密码 / Give out a setup code with which the account's password is set, once",
     .unkept = true, .gives_schema = openapi_setup_code},
    {"GET", "/api/v1/views", views_list, "保存的视图：本人的，及共享给本人的 / Saved views: one's own and those shared",
     .gives_schema = openapi_views, .query = {SITE}},
    {"POST", "/api/v1/views", views_make,
     "保存视图，可与部门或站点共享 / Save a view; it may be shared with a department or a site", .unkept = true,
     .takes_schema = openapi_make_view, .gives_schema = openapi_view},
    {"PUT", "/api/v1/views/{id}", views_change, "修改视图，仅创建者 / Change a view; its owner only", .unkept = true,
     .takes_schema = openapi_make_view, .gives_schema = openapi_view},
    {"DELETE", "/api/v1/views/{id}", views_drop, "删除视图 / Delete a view", .unkept = true,
     .gives_schema = openapi_nothing},
    {"POST", "/api/v1/cases", cases_submit, "登记一件事项 / Register a case", .takes_schema = openapi_submission,
     .gives_schema = openapi_submitted,
     .query = {{"slip",
                "并给出凭条所需的查询网址与核验二维码 / true: with what the slip bears, where the case is followed "
                "and the code that proves it, at a site that is open to the public"}}},
    {"GET", "/api/v1/cases", cases_list, "案件列表，可导出 / Cases, page by page or all as CSV or XLSX", .wide = true,
     .gives = &analytics__case_list__descriptor, .gives_type = "text/csv",
     .gives_file = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
     .query = {SITE,
               CELL,
               FILTER,
               {"text", "在密封文字、编号、地点、姓名中检索，须指明站点，将被记录 / words, at least two characters, in "
                        "sealed texts, "
                        "number, place or name of a site; it is recorded"},
               {"phone",
                "来电号码，须指明站点，将被记录 / telephone number of who complained, at a site; it is recorded"},
               {"order", "排序 / newest or oldest first, due: of open cases, what is due first, or urgent: the same, "
                         "and what the policy "
                         "calls urgent before all else; not of files and searches"},
               {"cursor", "翻页游标 / from the page before"},
               {"limit", "每页行数 / rows of a page, at most 1000"},
               {"format", "格式 / json, csv or xlsx"}}},
    {"GET", "/api/v1/cases/count", cases_count, "案件数，条件同列表 / How many cases of a site fit a filter",
     .wide = true, .gives_schema = openapi_count, .query = {SITE, CELL, FILTER}},
    {"POST", "/api/v1/cases/alike", cases_alike,
     "可能重复的案件，最像的在前 / Likely duplicates of the last 14 days, the likeliest first: by place and words",
     .wide = true, .unkept = true, .takes = &intake__find_alike__descriptor, .gives = &analytics__case_list__descriptor,
     .query = {SITE}},
    {"GET", "/api/v1/cases/kinds", cases_kinds,
     "可登记的事项及渠道 / What one may register at a site, and by which channels",
     .gives = &intake__registrable__descriptor, .query = {SITE}},
    {"GET", "/api/v1/cases/{id}", cases_file, "案卷 / The case file", .gives_schema = openapi_file,
     .query = {SITE,
               PURPOSE,
               {"with",
                "一并取：timeline 为案件经过，一次打开，一条记录 / timeline: a page of what happened comes along, "
                "opened and recorded with the file as one"},
               {"after", "经过：从此之后 / of the time line: the `next` of the page before"},
               {"limit", "经过：每页条数 / of the time line: events of a page, at most 200"}}},
    {"GET", "/api/v1/cases/{id}/timeline", cases_timeline, "案件的全部经过 / Everything that happened",
     .gives_schema = openapi_timeline,
     .query = {SITE,
               PURPOSE,
               {"after", "从此之后 / the `next` of the page before"},
               {"limit", "每页条数 / events of a page, at most 200"}}},
    {"GET", "/api/v1/cases/{id}/explain", cases_explain,
     "为何是这个部门、这些期限、这些通知 / Why this department, these dates, these notices",
     .gives_schema = openapi_explained, .query = {SITE}},
    {"GET", "/api/v1/cases/{id}/documents", cases_documents,
     "制度规定的文书，及已出具的 / The forms of the policy, and which were issued", .gives_schema = openapi_documents,
     .query = {SITE}},
    {"GET", "/api/v1/cases/{id}/documents/{document}", cases_document,
     "一份文书，填好的数据或可打印的页面 / A form filled in, as data or as pages to print",
     .gives_schema = openapi_form, .gives_type = "text/html",
     .query = {SITE,
               PURPOSE,
               {"format", "格式 / json or html"},
               {"issue",
                "第几次出具的，函件即当时所发的原文 / which issue, from 1: of a letter the very text that was sent"}}},
    {"GET", "/api/v1/cases/{id}/attachments", cases_attachments, "案件的文件 / The files of a case",
     .gives_schema = openapi_attachments, .query = {SITE, PURPOSE}},
    {"POST", "/api/v1/cases/{id}/attachments", cases_attach,
     "附一个文件，正文即文件 / Attach a file: the body is the file itself, at most 10 MiB", .takes_type = "*/*",
     .body_max = ATTACHMENT_BYTES_MAX, .gives_schema = openapi_attached,
     .query = {SITE, {"name", "文件名 / what the file is called"}}},
    {"GET", "/api/v1/cases/{id}/attachments/{file}", cases_attachment,
     "取一个文件，须说明查看目的，将被记录 / One file, as a download; for what purpose it is opened must be said, and "
     "is recorded",
     .gives_type = "*/*", .query = {SITE, PURPOSE}},
    {"POST", "/api/v1/cases/{id}/actions/{action}", cases_act, "办理一个步骤 / Take a step",
     .takes = &casework__act__descriptor, .gives_schema = openapi_acted, .query = {SITE}},
    {"GET", "/api/v1/things/{thing}/history", things_history,
     "登记册一项（设备等）的历史：指向它的事项，最近在前 / The history of an entry of a register: the cases that name "
     "it, "
     "newest first",
     .gives = &casework__thing_history__descriptor,
     .query = {SITE,
               {"before", "从此之前 / the `next` of the page before"},
               {"limit", "每页条数 / cases of a page, at most 50"}}},
    {"GET", "/api/v1/held", held_list,
     "待核的网上提交：疑似程序所发，尚未登记，最早在前；可登记者可看 / Submissions of the public that are held because "
     "they "
     "look like a program's, oldest first; for whoever may register at the site",
     .watches = true, .gives_schema = openapi_held,
     .query = {SITE,
               PURPOSE,
               {"refused", "已退回的，最近在前 / true: those that were refused, newest first"},
               {"count", "只要件数 / true: only how many wait, and since when; no text is opened"},
               {"after", "从此之后 / the `next` of the page before"},
               {"limit", "每页件数 / of a page, at most 16"}}},
    {"POST", "/api/v1/held/{held}/register", held_register,
     "予以登记，收到时间为提交之时 / Let it in: it becomes a case, received when it was sent",
     .gives_schema = openapi_submitted},
    {"POST", "/api/v1/held/{held}/refuse", held_refuse,
     "不予登记，理由告知提交人 / Refuse it; its sender reads the reason", .takes_schema = openapi_refuse_held,
     .gives_schema = openapi_nothing},
    {"POST", "/api/v1/imports", cases_import, "导入历史案件，一次最多 500 行 / Import cases, at most 500 at once",
     .takes_schema = openapi_import, .gives_schema = openapi_imported},
    {"GET", "/api/v1/events", events_get, "变更，分页或实时 / What changed, page by page or live", .watches = true,
     .gives_schema = openapi_changes, .gives_type = "text/event-stream",
     .query = {{"after", "从此之后 / the `next` of the page before"},
               {"limit", "每页条数 / changes of a page, at most 500"}}},
    {"GET", "/api/v1/reports/definitions", reports_definitions,
     "各指标如何计算，及其背后的案件 / What each figure is, and the filter with which a list has its cases",
     .gives_schema = openapi_definitions},
    {"GET", "/api/v1/reports/kpi", reports_kpi, "指标 / Figures, of a site or of all one may see", .wide = true,
     .gives_schema = openapi_kpi, .query = {SITE, CELL}},
    {"GET", "/api/v1/reports/figures", reports_figures,
     "符合条件的案件的指标，可分组 / Figures of the cases of a site that a list with the same filter has, in all and "
     "by group",
     .wide = true, .gives = &analytics__grouped_figures__descriptor,
     .query = {SITE, CELL, FILTER, {"by", "分组 / department, kind, category, handler, place or month (of receipt)"}}},
    {"GET", "/api/v1/notices", notices_due,
     "须由人发送的通知 / Notices of a site that a person must send, oldest first", .wide = true,
     .gives = &notification__due_notices__descriptor,
     .query = {SITE,
               {"cursor", "翻页游标 / from the page before"},
               {"limit", "每页条数 / notices of a page, at most 200"}}},
    {"GET", "/api/v1/public-notices", portal_notices_list,
     "站点对外公示的通知，最新在前，无须登录 / Notices of a public site in force, newest first; nobody need sign in",
     .open = true, .gives = &analytics__public_notices__descriptor,
     .query = {SITE,
               {"cursor", "翻页游标 / from the page before"},
               {"limit", "每页条数 / notices of a page, at most 50"}}},
    {"POST", "/api/v1/cases/{id}/notices/{notice}/sent", cases_notice_sent,
     "通知已由人送达 / A person has told the addressee of a notice that was to be sent by hand",
     .gives_schema = openapi_nothing, .query = {SITE}},
    {"GET", "/api/v1/reports/indicators", reports_indicators,
     "指标、定义、目标与是否达成 / Indicators of a site: figure, definition, target, and whether it is met",
     .wide = true, .gives_schema = openapi_indicators, .gives_type = "text/csv",
     .query = {SITE,
               CELL,
               {"period", "期间，缺省为当期 / 2025, 2025-Q1, 2025-03 or 2025-03-16; those that run now"},
               {"name", "指标 / this indicator alone"},
               {"who", "部门、经办人、类别 / of this department, handler, category or stage alone"},
               {"format", "格式 / json or csv"}}},
    {"GET", "/api/v1/audit", audit_list,
     "审计：谁办了什么、谁看了什么，最新在前 / Audit: who did and who looked, newest first, page by page or all as "
     "CSV; "
     "without a site what concerns the whole cell",
     .wide = true, .gives_schema = openapi_audit, .gives_type = "text/csv",
     .query = {SITE,
               {"who", "人员；无人员者为账号 / person; of whoever has none, account; operator: the operator's key"},
               {"case", "案件编号或内部编号 / number or id of a case"},
               {"what", "did 办理、looked 查看、refused 被拒、organised 组织、published 发布、exported 导出 / did, "
                        "looked, refused, organised, published or exported"},
               {"from", "时间自 / recorded at or after"},
               {"to", "时间至 / recorded before"},
               {"cursor", "翻页游标 / from the page before"},
               {"limit", "每页行数 / rows of a page, at most 500"},
               {"format", "格式 / json or csv"}}},
    {"GET", "/api/v1/audit/chain", audit_chain,
     "各日志的散列链核对到何处、何时、有无问题 / How far the hash chain of each log was verified, when, and what was "
     "found",
     .watches = true, .gives_schema = openapi_chains, .query = {SITE}},
    {"POST", "/api/v1/audit/chain", audit_verify, "开始核对所有日志 / Begin to verify every log", .unkept = true,
     .gives_schema = openapi_chains, .query = {SITE}},
    {"GET", "/api/v1/cells", cells_list, "下级系统及接收进度 / The cells below, and how far they are heard",
     .gives = &analytics__cells__descriptor},
    {"GET", "/api/v1/cells/{cell}/cases/{id}", cells_case,
     "下级系统的案件，文字密封在原处 / A case of a cell below; its texts stay sealed, at the site",
     .gives = &analytics__case_elsewhere__descriptor},
    {"GET", "/api/v1/organisation", organisation_show, "组织 / Sites, departments, people, calendars",
     .gives = &directory__organisation__descriptor,
     .query = {SITE,
               {"all", "含账号、登记册与值班表，须有维护组织之权 / true: accounts, things and rosters too; for whoever "
                       "may organise"}}},
    {"PUT", "/api/v1/organisation", organisation_change, "维护组织 / Define what is new or different",
     .takes = &directory__organise__descriptor, .gives_schema = openapi_changed},
    {"POST", "/api/v1/calendars/{calendar}/years", calendars_publish,
     "公布一年的节假日（holiday-cn 格式） / Publish a year of holidays, a file of holiday-cn",
     .takes_schema = openapi_holidays, .gives_schema = openapi_year,
     .query = {{"replace", "替换已公布的年度 / true: also a year published with other days"}}},
    {"GET", "/api/v1/labels", labels_sheet,
     "地点二维码标签，A4 打印 / QR labels of places, sheets of A4 to print; for whoever may register there",
     .gives_schema = openapi_labels, .gives_type = "text/html",
     .query = {SITE,
               {"kind", "事项类型，缺省由来访者选择 / kind; the visitor chooses"},
               {"places", "地点，每行一处或用逗号分隔 / places, one a line or with commas between them, at most 500"},
               {"format", "格式 / html or json"}}},
    {"GET", "/api/v1/calendars/moved", calendars_moved,
     "日历或改用新版制度所改变的期限 / Dates of open clocks that a published calendar moved, or a move to another "
     "version of the policy",
     .gives = &watchdog__moved__descriptor,
     .query = {SITE,
               {"since", "自何时起 / recorded_at of the publication, begun of the move"},
               {"after", "从此之后 / the `next` of the page before"},
               {"limit", "每页案件数 / cases of a page, at most 500"}}},
    {"GET", "/api/v1/policies", policies_list,
     "各站点现行与待生效的制度 / Policies in force, and those that are coming", .gives_schema = openapi_policies,
     .query = {SITE}},
    {"POST", "/api/v1/policies", policies_publish, "发布制度 / Publish a policy",
     .takes = &directory__publish_policy__descriptor, .gives_schema = openapi_changed},
    {"POST", "/api/v1/policies/check", policies_check,
     "检查制度文件，列出每处错误 / Check the files of a policy: every mistake with file, line and field",
     .unkept = true, .takes = &directory__try_policy__descriptor, .gives_schema = openapi_checked},
    {"POST", "/api/v1/policies/diff", policies_diff,
     "与现行制度比较，以文字说明 / What it changes of the policy in force, in words", .unkept = true,
     .takes = &directory__try_policy__descriptor, .gives_schema = openapi_differs},
    {"POST", "/api/v1/policies/rehearse", policies_rehearse,
     "在虚拟时钟下演练场景 / Rehearse scenarios under a virtual clock", .unkept = true,
     .takes = &directory__try_policy__descriptor, .gives_schema = openapi_rehearsed},
    {"GET", "/api/v1/policies/{site}/sources", policies_sources,
     "现行制度的文件 / The files of a policy: as it was published, for whoever may publish",
     .gives = &directory__sources__descriptor,
     .query = {{"version", "版本，缺省为现行 / version; the one in force"},
               {"coming", "待生效的制度 / true: of the policy that takes effect on a later day"}}},
    {"DELETE", "/api/v1/policies/{site}/coming", policies_withdraw,
     "撤回待生效的制度 / Withdraw the policy that takes effect on a later day", .gives_schema = openapi_changed},
    {"GET", "/api/v1/policies/{site}", policies_show, "某站点的制度 / The policy of a site",
     .gives = &policy__policy__descriptor, .query = {{"version", "版本，缺省为现行 / version; the one in force"}}},
    {"POST", "/api/v1/policies/{site}/move", policies_move,
     "未结案件改用现行版本；dry_run 只预览 / Open cases take the version in force; with dry_run only what would move",
     .takes = &casework__move__descriptor, .gives_schema = openapi_moved,
     .query = {{"dry_run", "仅预览，true 或 false / only say what would be moved: true or false"},
               {"after", "预览下一页 / of a preview: the `next` of the page before"},
               {"limit", "预览每页案件数 / of a preview: cases of a page, at most 100"}}},
    {"GET", "/api/v1/policies/{site}/move", policies_moving,
     "改用新版的进度与未能改用的案件 / How far the last move is, and which cases it refused",
     .gives = &casework__moving__descriptor,
     .query = {{"after", "从此之后 / the `next` of the page before"},
               {"limit", "每页案件数 / cases of a page, at most 100"}}},

    /* the public portal: pages for people, no part of the API */
    {"GET", "/", portal_home, .open = true},
    {"GET", "/submit", portal_submit, .open = true},
    {"POST", "/submit", portal_submit_sent, .open = true, .body_max = PORTAL_FILES_BYTES_MAX},
    {"GET", "/receipt", portal_receipt, .open = true},
    {"GET", "/held", portal_held, .open = true},
    {"GET", "/track", portal_track, .open = true},
    {"POST", "/track", portal_track_sent, .open = true},
    {"GET", "/case", portal_case, .open = true},
    {"POST", "/case", portal_case_sent, .open = true},
    {"POST", "/case/files", portal_case_files_sent, .open = true, .body_max = PORTAL_FILES_BYTES_MAX},
    {"GET", "/case/files/{file}", portal_case_file, .open = true},
    {"GET", "/case/letters/{document}/{issue}", portal_letter, .open = true},
    {"POST", "/leave", portal_leave, .open = true},
    {"GET", "/s/{place}", portal_place, .open = true},
    {"GET", "/r/{entry}", portal_proof, .open = true},
    {"GET", "/problems", portal_problems, .open = true},
    {"GET", "/notices", portal_notices, .open = true},
    {"GET", "/problem", portal_problem, .open = true},
    {"POST", "/problem", portal_problem_sent, .open = true},
    {"GET", "/static/portal.css", portal_style, .open = true},
    {"GET", "/static/portal.js", portal_script, .open = true},

    /* Open311: for programs, as its specification describes it */
    {"GET", "/open311/discovery.{format}", open311_discovery, .open = true},
    {"GET", "/open311/v2/discovery.{format}", open311_discovery, .open = true},
    {"GET", "/open311/v2/services.{format}", open311_services, .open = true},
    {"GET", "/open311/v2/services/{code}", open311_definition, .open = true},
    {"GET", "/open311/v2/requests.{format}", open311_requests, .open = true},
    {"POST", "/open311/v2/requests.{format}", open311_submit, .open = true, .body_max = PORTAL_FILES_BYTES_MAX},
    {"GET", "/open311/v2/requests/{id}", open311_request, .open = true},
    {"GET", "/open311/v2/tokens/{token}", open311_token, .open = true},
    {"GET", "/open311/v2/servicerequestupdates.{format}", open311_updates, .open = true},
    {"POST", "/open311/v2/servicerequestupdates.{format}", open311_update, .open = true,
     .body_max = PORTAL_FILES_BYTES_MAX},

    /* the console, which asks the API with the rights of whoever signs in */
    {"GET", "/console", console_page, .open = true},
    {"GET", "/console/", console_page, .open = true},
    {"GET", "/console/assets/{file}", console_asset, .open = true},
    {"GET", "/console/{page}", console_page, .open = true},
    {"GET", "/console/{page}/{id}", console_page, .open = true},
    {"GET", "/console/elsewhere/{cell}/{id}", console_page, .open = true},
};
const size_t routes_count = sizeof routes / sizeof *routes;

/* ---- finding ---- */

/* "/api/v1/cases/{id}" against a path; the names are decoded. */
static bool matches(struct http_request *request, const char *pattern, const char *path)
{
    request->parameters_count = 0;
    while (*pattern) {
        if (*pattern != '{') {
            if (*pattern++ != *path++)
                return false;
            continue;
        }
        size_t name = strcspn(pattern, "}"), value = strcspn(path, "/");
        char *decoded = value ? http_decode(&request->arena, path, value, false) : NULL;
        if (!decoded)
            return false;
        bug_unless(request->parameters_count < HTTP_PARAMETERS_MAX);
        request->parameters[request->parameters_count++] =
            (struct http_pair){arena_text(&request->arena, pattern + 1, name - 1), decoded};
        pattern += name + 1;
        path += value;
    }
    return *path == 0;
}

/* A literal pattern goes before one with {names}: the table lists it first. */
static const struct route *find(struct http_request *request, const char *method)
{
    for (size_t i = 0; i < routes_count; i++)
        if ((!method || strcmp(routes[i].method, method) == 0) && matches(request, routes[i].pattern, request->path))
            return &routes[i];
    return NULL;
}

static void add_method(struct http_request *request, const char *method, char **allow, Hb__Refusal *refusal)
{
    *allow = **allow ? arena_printf(&request->arena, "%s, %s", *allow, method) : arena_strdup(&request->arena, method);
    problem_accepts(request, refusal, method);
}

size_t routes_body_max(struct http_request *request)
{
    const struct route *route = request->malformed ? NULL : find(request, request->method);
    return route && route->body_max ? route->body_max : HTTP_BODY_BYTES_MAX;
}

/* The path is known but not this method: says which ones are. */
static void refuse_method(struct http_request *request)
{
    char *allow = arena_strdup(&request->arena, "");
    Hb__Refusal *refusal =
        problem_new(request, 405, "method", "该路径不支持此方法", "this path does not take the method");
    for (size_t i = 0; i < routes_count; i++)
        if (matches(request, routes[i].pattern, request->path)) {
            add_method(request, routes[i].method, &allow, refusal);
            if (strcmp(routes[i].method, "GET") == 0)
                add_method(request, "HEAD", &allow, refusal);
        }
    http_set(request, "Allow", allow);
    problem_respond(request, refusal);
}

/* ---- checks before the handler ---- */

static bool named_before(const struct http_request *request, size_t at)
{
    for (size_t i = 0; i < at; i++)
        if (strcmp(request->query.list[i].name, request->query.list[at].name) == 0)
            return true;
    return false;
}

static void refuse_twice(struct http_request *request, const char *name)
{
    Hb__Refusal *refusal =
        problem_new(request, 400, "bad_parameter", "查询参数重复", "a query parameter is given once only");
    refusal->field = arena_strdup(&request->arena, name);
    problem_accepts(request, refusal, "one value");
    problem_respond(request, refusal);
}

/* A misspelt parameter would silently show something else than what was asked for, and so would the second of two. To
   the addresses of pages messengers and search engines add parameters of their own: those are let through. */
static bool query_known(struct http_request *request, const struct route *route)
{
    if (!route->about)
        return true;
    for (size_t i = 0; i < request->query.count && route->about; i++) { /* links to pages bear all sorts */
        const char *name = request->query.list[i].name;
        bool known = strcmp(name, "lang") == 0;
        for (const struct route_parameter *parameter = route->query; parameter->name && !known; parameter++)
            known = strcmp(parameter->name, name) == 0;
        if (known && named_before(request, i)) {
            refuse_twice(request, name);
            return false;
        }
        if (known)
            continue;
        Hb__Refusal *refusal =
            problem_new(request, 400, "unknown_parameter", "没有这个查询参数", "there is no such query parameter");
        refusal->field = arena_strdup(&request->arena, name);
        for (const struct route_parameter *parameter = route->query; parameter->name; parameter++)
            problem_accepts(request, refusal, parameter->name);
        problem_accepts(request, refusal, "lang");
        problem_respond(request, refusal);
        return false;
    }
    return true;
}

static void enter(struct http_request *request)
{
    if ((!request->route->wide || account_may_look(request)) && cell_after_read(request))
        request->route->handler(request);
}

static void enter_signed_in(struct http_request *request)
{
    if (account_may_ask(request))
        enter(request);
}

static void take_route(struct http_request *request)
{
    if ((request->route->about && !account_address_may(request)) ||
        (!request->route->spared && http_refuse_busy(request)) || !query_known(request, request->route))
        return;
    if (request->route->open)
        enter(request);
    else
        auth_check(request, enter_signed_in);
}

void routes_dispatch(struct http_request *request)
{
    if (request->malformed) {
        problem_say(
            request, 400, "malformed", "地址或请求头无法解析：地址须为 UTF-8，请求头不超过 200 个",
            "the address or the headers cannot be read: an address is UTF-8, and there are at most 200 headers");
        return;
    }
    request->route = find(request, request->method);
    if (request->route)
        take_route(request);
    else if (find(request, NULL))
        refuse_method(request);
    else
        problem_say(request, 404, "unknown_path", "没有这个路径", "there is no such path");
}
