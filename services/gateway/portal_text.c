#include "portal_text.h"

#include <stdlib.h>
#include <strings.h>

static const char *const texts[TEXTS_COUNT][LANGUAGES_COUNT] = {
    [TEXT_BRAND] = {"投诉与服务", "Complaints and requests"},
    [TEXT_SKIP] = {"跳到正文", "Skip to the content"},
    [TEXT_LANGUAGE] = {"语言", "Language"},
    [TEXT_BACK] = {"返回", "Back"},
    [TEXT_HOME] = {"首页", "Home"},
    [TEXT_TRACK] = {"查询进度", "Follow a case"},
    [TEXT_LEAVE] = {"退出查询", "Leave this case"},
    [TEXT_DEMONSTRATION] =
        {"演示系统：人员与案件均为虚构，密码公开显示。请勿提交真实投诉。",
         "This is a demonstration: people and cases are made up, passwords are printed. Send no real "
         "complaint."},
    [TEXT_FOOT_PRIVACY] =
        {"您填写的内容加密保存，只有办理人员可以查看，每次查看都有记录。",
         "What you write is kept encrypted. Only those who handle it can read it, and each reading is "
         "recorded."},
    [TEXT_OPTIONAL] = {"（选填）", "(optional)"},
    [TEXT_CHOOSE] = {"请选择", "Please choose"},
    [TEXT_YES] = {"是", "Yes"},
    [TEXT_NO] = {"否", "No"},
    [TEXT_CLAUSES] = {"依据条款", "Under clause"},
    [TEXT_PROBLEM] = {"请先改正以下内容", "There is a problem"},
    [TEXT_ERROR_TITLE] = {"有误：", "Error: "},

    [TEXT_HOME_TITLE] = {"有什么需要我们解决？", "What can we put right for you?"},
    [TEXT_HOME_LEAD] = {"投诉、报修、咨询、建议，件件有着落，件件有回音。",
                        "Complaints, repairs, questions and suggestions: every one is answered."},
    [TEXT_HOME_SUBMIT] = {"提交事项", "Tell us"},
    [TEXT_HOME_SUBMIT_HINT] = {"无需注册，约需三分钟", "No account needed; about three minutes"},
    [TEXT_HOME_TRACK_HINT] = {"凭案件编号和查询码查看答复", "See the answer with your case number and tracking code"},
    [TEXT_HOME_WHERE] = {"提交：事情发生在哪里？", "Tell us: where is it?"},
    [TEXT_HOME_AFTER] = {"已经提交过？", "Have you told us already?"},
    [TEXT_HOME_FIND] = {"按名称查找", "Find by name"},
    [TEXT_HOME_FIND_BUTTON] = {"查找", "Find"},
    [TEXT_HOME_FOUND_NONE] = {"没有找到。请换一个名称，或清空后查看全部。",
                              "Nothing found. Try another name, or clear it to see all."},
    [TEXT_HOME_NO_SITE] = {"目前没有开放网上受理的站点。请联系您的服务中心。",
                           "No site takes submissions online at present. Please contact your service centre."},
    [TEXT_HOME_HOW] = {"提交之后", "What happens next"},
    [TEXT_HOME_HOW_1] = {"立即得到案件编号、查询码和承诺的答复期限。",
                         "You get a case number, a tracking code and the promised dates at once."},
    [TEXT_HOME_HOW_2] = {"系统转给负责部门，并盯住每一个期限。",
                         "It goes to the department responsible, and every date is watched."},
    [TEXT_HOME_HOW_3] = {"凭编号和查询码随时查看进度和答复。",
                         "You can see its progress and the answer at any time with number and code."},
    [TEXT_HOME_HOW_4] = {"如不满意，可以要求重新办理。", "If you are not satisfied, it is handled again."},

    [TEXT_KIND_TITLE] = {"您要反映什么？", "What is it about?"},
    [TEXT_KIND_NONE] = {"该站点目前没有开放网上受理的事项。请联系服务中心。",
                        "This site takes nothing online at present. Please contact its service centre."},
    [TEXT_SUBMIT_NEEDED] = {"没有注明“选填”的都需要填写。", "Everything is needed unless it says optional."},
    [TEXT_CATEGORY] = {"类别", "Category"},
    [TEXT_PLACE] = {"地点", "Place"},
    [TEXT_PLACE_HINT] = {"楼栋、房号、楼层或科室，例如：3栋1201", "Building, room, floor or ward, for example: 3-1201"},
    [TEXT_WHAT] = {"情况说明", "What happened?"},
    [TEXT_FILES] = {"照片或文件", "Photos or files"},
    [TEXT_FILES_HINT] = {"最多 5 个，每个不超过 10 MB，合计不超过 24 MB。照片中的位置等信息会自动删除，PDF "
                         "和办公文档可能仍带有作者等信息。如果本页因有误而重新显示，"
                         "请重新选择文件。",
                         "Up to 5, of 10 MB each, 24 MB in all. Where a photo was taken is removed; PDF and office "
                         "files may still name their author. If this page comes "
                         "back with a problem, choose the files again."},
    [TEXT_FILES_TAKEN] = {"已附上文件数：", "Files added: "},
    [TEXT_FILES_REFUSED] = {"您的事项不受影响，但以下文件没有附上：",
                            "Your matter is not affected, but these files were not added:"},
    [TEXT_FILES_AGAIN] = {"可在案件页面重新添加", "Add them again on the page of your case"},
    [TEXT_FILES_TOO_MANY] = {"一次最多 5 个文件", "at most 5 files at a time"},
    [TEXT_FILES_YOURS] = {"您的照片和文件", "Your photos and files"},
    [TEXT_FILES_GIVEN] = {"给您的文件", "Files for you"},
    [TEXT_FILES_ADD] = {"添加文件", "Add files"},
    [TEXT_FILES_UNNAMED] = {"文件", "File"},
    [TEXT_FILE_LATER] = {"现在无法处理，请稍后再添加", "it could not be taken now; please add it again later"},
    [TEXT_WHAT_HINT] = {"什么时间、发生了什么、希望怎样解决。请不要写身份证号、银行卡号。",
                        "When, what, and what you hope for. Please give no identity or bank card numbers."},
    [TEXT_CONTACT] = {"怎样联系您？", "How may we reach you?"},
    [TEXT_CONTACT_NAMED] = {"留下联系方式", "I leave my contact details"},
    [TEXT_CONTACT_CONFIDENTIAL] = {"留下联系方式，但请为我保密", "I leave them, but keep my identity confidential"},
    [TEXT_CONTACT_ANONYMOUS] = {"匿名提交", "I stay anonymous"},
    [TEXT_CONTACT_ANONYMOUS_HINT] = {"匿名时不保存姓名和联系方式；请记好查询码，这是查看答复的唯一办法。",
                                     "No name and no contact details are kept then. Keep the tracking code: it is the "
                                     "only way to see the answer."},
    [TEXT_CONTACT_HINT] = {"至少留一种联系方式，我们才能向您核实。",
                           "With at least one of them we can ask you when something is unclear."},
    [TEXT_NAME] = {"姓名", "Name"},
    [TEXT_PHONE] = {"电话", "Telephone"},
    [TEXT_EMAIL] = {"电子邮箱", "E-mail"},
    [TEXT_EMAIL_HINT] = {"用于发送回执和答复通知", "For the receipt and for word of the answer"},
    [TEXT_ADDRESS] = {"住址或房号", "Address or room"},
    [TEXT_SEND] = {"提交", "Send"},
    [TEXT_SEND_ONCE] = {"重复点击不会重复登记。", "Pressing twice does not register it twice."},
    [TEXT_TIME_HINT] = {"例如：2026-11-24 14:30", "For example: 2026-11-24 14:30"},
    [TEXT_MONEY_HINT] = {"元，例如：128.50", "Amount, for example: 128.50"},
    [TEXT_NUMBER_HINT] = {"请填数字", "A whole number"},
    [TEXT_DURATION_HINT] = {"例如：30 min、2 h、3 days", "For example: 30 min, 2 h, 3 days"},
    [TEXT_MISSING] = {"请填写", "Please fill in: "},
    [TEXT_MISSING_CHOICE] = {"请选择", "Please choose: "},
    [TEXT_ACCEPTED] = {"可填：", "Accepted: "},
    [TEXT_BAD_EMAIL] = {"邮箱地址应形如 name@example.org，也可以不填",
                        "An e-mail address looks like name@example.org; you may leave it out"},
    [TEXT_TOKEN_OLD] =
        {"页面打开太久，或不是在这个浏览器里打开的。下面的内容尚未提交，请核对后再点一次提交。",
         "This page was open for too long, or not opened in this browser. What stands below was not sent: please check "
         "it and send it again."},
    [TEXT_SENT_BEFORE] = {"这张表已经提交并登记过一次。如要另外登记一件，请再点一次提交。",
                          "This form was sent and registered before. To register another matter, send it again."},
    [TEXT_TRY_AGAIN] = {"暂时无法登记，您填写的内容还在。请稍后再点一次提交；不会重复登记。",
                        "It cannot be registered right now. What you typed is still here: please send it again in a "
                        "moment. It will not be registered twice."},
    [TEXT_SLOWLY] = {"提交得太频繁了。您填写的内容还在，请稍后再试。",
                     "Too many submissions from here. What you typed is still here: please try again in a while."},
    [TEXT_SLOWLY_S] = {"尝试次数太多，请等待后再试。需等待的秒数：",
                       "Too many attempts. Please wait before you try again. Seconds to wait: "},

    [TEXT_RECEIPT_TITLE] = {"已登记", "Registered"},
    [TEXT_RECEIPT_LEAD] = {"您反映的事项已登记，正在转给负责部门。",
                           "Your matter is registered and on its way to the department responsible."},
    [TEXT_RECEIPT_KEEP] = {"请保存编号和查询码", "Keep the number and the code"},
    [TEXT_RECEIPT_KEEP_HINT] = {"请截图、抄下或打印本页。查看答复需要这两项，请勿告诉他人。",
                                "Take a picture, write them down or print this page. You need both to see the answer; "
                                "show them to nobody."},
    [TEXT_RECEIPT_WHERE] = {"站点", "Site"},
    [TEXT_RECEIPT_NUMBER] = {"案件编号", "Case number"},
    [TEXT_RECEIPT_CODE] = {"查询码", "Tracking code"},
    [TEXT_RECEIPT_PRINT] = {"打印时间：", "Printed: "},
    [TEXT_RECEIPT_SEE] = {"查看进度", "See its progress"},
    [TEXT_RECEIPT_MORE] = {"再提交一件", "Tell us about another matter"},
    [TEXT_DATES] = {"承诺期限", "Promised dates"},
    [TEXT_DATES_NONE] = {"制度没有为这类事项规定从登记起算的期限。",
                         "The policy sets no date for this kind that runs from its registration."},
    [TEXT_DATES_UNKNOWN] = {"期限暂时无法显示，请稍后刷新本页。期限仍在照常计算。",
                            "The dates cannot be shown right now; please load this page again in a moment. They keep "
                            "running all the same."},
    [TEXT_DATE_BY] = {"不晚于", "by "},
    [TEXT_DATE_PROVISIONAL] = {"暂定：所涉年份的节假日安排尚未公布",
                               "Provisional: the public holidays of that year are not published yet"},

    [TEXT_TRACK_TITLE] = {"查询进度", "Follow your case"},
    [TEXT_TRACK_LEAD] = {"请填写登记时得到的案件编号和查询码。",
                         "Give the case number and the tracking code that you got when it was registered."},
    [TEXT_TRACK_NUMBER] = {"案件编号", "Case number"},
    [TEXT_TRACK_NUMBER_HINT] = {"例如：20261124-complaint-001", "For example: 20261124-complaint-001"},
    [TEXT_TRACK_CODE] = {"查询码", "Tracking code"},
    [TEXT_TRACK_CODE_HINT] = {"8 位字母和数字，不分大小写", "8 letters and digits, capitals or not"},
    [TEXT_TRACK_BUTTON] = {"查询", "See my case"},
    [TEXT_TRACK_WRONG] = {"案件编号或查询码不正确，请对照回执检查",
                          "The case number or the tracking code is not right: please check both with your receipt"},
    [TEXT_TRACK_NO_NUMBER] = {"请填写案件编号", "Please give the case number"},
    [TEXT_TRACK_NO_CODE] = {"请填写查询码", "Please give the tracking code"},
    [TEXT_TRACK_AGAIN] =
        {"为保护您的信息，查询已自动退出。请重新填写编号和查询码。",
         "To protect what is yours, you were signed out of the case. Please give number and code again."},
    [TEXT_TRACK_NOT_OWN] =
        {"请重新填写编号和查询码。若再次出现本提示，请在浏览器中允许本站使用 Cookie。",
         "Please give number and code again. If you see this once more, let your browser keep this site's cookies."},
    [TEXT_TRACK_OTHER] = {"这个页面属于另一件案件。请重新填写编号和查询码。",
                          "That page was about another case. Please give number and code again."},

    [TEXT_CASE_STATE] = {"目前状态", "Where it stands"},
    [TEXT_CASE_NEW] = {"已经登记，等待部门受理。", "It is registered and waits to be taken up by the department."},
    [TEXT_CASE_WORKING] = {"部门正在办理。", "The department is working on it."},
    [TEXT_CASE_WAITING] = {"正在等您补充材料或情况。", "It waits for something from you."},
    [TEXT_CASE_DONE] = {"已经办理，请查看结果。", "It has been dealt with: please see the result."},
    [TEXT_CASE_CLOSED] = {"已经结束。", "It is closed."},
    [TEXT_CASE_ARCHIVED] = {"已经结束并归档。", "It is closed and archived."},
    [TEXT_CASE_LEAD] = {"负责部门", "Department responsible"},
    [TEXT_CASE_ROUND] = {"重新办理次数", "Handled again"},
    [TEXT_CASE_ANSWER] = {"给您的答复", "The answer to you"},
    [TEXT_LETTER_PRINT] = {"打开可打印的函件", "Open the letter for printing:"},
    [TEXT_CASE_ANSWER_EARLIER] = {"上一次的答复", "The earlier answer to you"},
    [TEXT_CASE_HAPPENED] = {"办理经过", "What happened when"},
    [TEXT_CASE_REGISTERED] = {"已登记", "Registered"},
    [TEXT_CASE_PASSED] = {"转给负责部门：", "Passed to the department responsible: "},
    [TEXT_CASE_YOU] = {"（由您操作）", " (done by you)"},
    [TEXT_CASE_YOURS] = {"您反映的情况", "What you told us"},
    [TEXT_CASE_CODE_NOTE] = {"为保护您的信息，这里不显示姓名和联系方式。",
                             "To protect what is yours, your name and contact details are not shown here."},
    [TEXT_CASE_BLOCKED] = {"现在还不能：", "Not possible yet: "},
    [TEXT_CASE_UNREADABLE] = {"文字内容暂时无法显示，请稍后刷新本页。",
                              "The texts cannot be shown right now; please load this page again in a moment."},
    [TEXT_CASE_ERASED] = {"（按规定已删除）", "(erased as the rules demand)"},
    [TEXT_CASE_DO] = {"您现在可以", "What you can do now"},
    [TEXT_CASE_CONFIRM] = {"我确认这样做，案件将因此结束", "Yes, do this: my case will be closed"},
    [TEXT_CASE_CONFIRM_MISSING] = {"请先勾选确认", "Please tick this box first"},
    [TEXT_CASE_STALE] = {"在此期间案件有了新进展。请看一看，再决定是否提交；您填写的内容还在。",
                         "Something happened in the meantime. Please look at it, then send again; what you typed is "
                         "still here."},
    [TEXT_CASE_DONE_NOW] = {"已记录：", "Recorded: "},
    [TEXT_CASE_RELOAD] = {"刷新", "Load again"},
    [TEXT_CLOCK_RUNNING] = {"进行中", "Running"},
    [TEXT_CLOCK_PAUSED] = {"暂停计时", "Paused"},
    [TEXT_CLOCK_MET] = {"按时完成：", "In time: "},
    [TEXT_CLOCK_MET_LATE] = {"超时完成：", "Late: "},
    [TEXT_CLOCK_MISSED] = {"已超时，正在督办", "Late: this has been escalated"},
    [TEXT_CLOCK_WHY] = {"为什么是这个时间", "Why this date"},
    [TEXT_DAY_START] = {"起算", "start"},
    [TEXT_DAY_COUNTED] = {"计入", "counted"},
    [TEXT_DAY_SKIPPED] = {"不计", "not counted"},
    [TEXT_DAY_ROLLED] = {"顺延", "moved on"},
    [TEXT_DAY_DUE] = {"到期", "due"},

    [TEXT_PLACE_FORGED] = {"这个二维码不是我们的", "This code is not ours"},
    [TEXT_PLACE_FORGED_LEAD] = {"二维码可能被更换或损坏，其中的地点不可信。请从首页选择地点，也请告知管理人员。",
                                "It may have been replaced or damaged; the place it names cannot be trusted. Please "
                                "choose the place from the front page, and tell the staff."},
    [TEXT_LABEL_SCAN] = {"扫码反映问题", "Scan to report a problem here"},
    [TEXT_LABELS] = {"地点二维码", "QR codes of places"},
    [TEXT_LABELS_LEAD] = {"打印：A4，100%，不缩放。每个标签 50 × 50 毫米。",
                          "Print on A4 at 100%, not scaled. Each label is 50 × 50 mm."},
    [TEXT_PROOF] = {"核验回执", "Check this receipt"},
    [TEXT_PROOF_QR] = {"核验回执的二维码", "QR code that checks the receipt"},
    [TEXT_PROOF_LEAD] = {"任何人扫码都可核验：这件事项确实在所示时间登记，此后未被改动。二维码不含您的任何信息。",
                         "Whoever scans it is told whether this was registered at the time shown, and not altered "
                         "since. The code holds nothing about you."},
    [TEXT_PROOF_LINK] = {"打开核验页面", "Open the check"},
    [TEXT_PROOF_AT] = {"登记时间", "Registered at"},
    [TEXT_PROOF_STANDS] = {"回执属实", "This receipt is true"},
    [TEXT_PROOF_STANDS_LEAD] = {"登记日志中有这条记录，内容与回执一致。日志环环相扣，事后无法插入或改动。",
                                "The entry stands in the register's log just as the receipt says. Each entry bears the "
                                "hash of the one before, so that none can be put in or altered later."},
    [TEXT_PROOF_NOT] = {"查不到这份回执", "This receipt cannot be confirmed"},
    [TEXT_PROOF_NOT_LEAD] = {"登记日志中没有这条记录，或内容不一致。链接可能不完整，回执也可能是伪造的。",
                             "There is no such entry in the register's log, or it says something else. The link may be "
                             "incomplete, or the receipt forged."},
    [TEXT_PROBLEMS] = {"正在处理的公共问题", "Public problems under way"},
    [TEXT_PROBLEMS_LEAD] = {"如果您遇到的问题已经在这里，点进去告诉我们一声即可，不必另行提交。",
                            "If your problem is here already, open it and tell us that you have it, too. There is no "
                            "need to submit it again."},
    [TEXT_PROBLEMS_NONE] = {"目前没有正在处理的公共问题。", "There is no public problem under way now."},
    [TEXT_PROBLEMS_MORE] = {"更早的问题", "Earlier ones"},
    [TEXT_PROBLEMS_END] = {"没有更早的问题了。", "There are no earlier ones."},
    [TEXT_PROBLEMS_OTHER] = {"反映其他问题", "Something else"},
    [TEXT_PROBLEMS_SEE] = {"看看是否已有人反映", "Has it been reported already?"},
    [TEXT_PROBLEM_SINCE] = {"始于 ", "Since "},
    [TEXT_PROBLEM_JOINED] = {"也遇到的人数：", "Others who have it: "},
    [TEXT_PROBLEM_SHOWN] = {"这里不显示任何人的姓名和所写内容。", "No names and nothing that anybody wrote is shown "
                                                                  "here."},
    [TEXT_PROBLEM_ONCE] = {"每人计一次。您留下的内容加密保存，只有办理人员可以查看。",
                           "Everybody counts once. What you leave is kept encrypted; only those who handle the problem "
                           "can read it."},
    [TEXT_PROBLEM_THANKS] = {"已记录，谢谢。负责人员会看到人数。", "Recorded, thank you. Those who handle it see how "
                                                                   "many have it."},
    [TEXT_PROBLEM_OVER] =
        {"此问题已处理完毕，不再登记人数。如果仍然存在，请重新反映。",
         "This problem has been dealt with, and nobody joins it any more. If it is still there, please "
         "submit it anew."},
    [TEXT_NOTICES] = {"通知公示", "Public notices"},
    [TEXT_NOTICES_SEE] = {"无须登录即可查看", "For everybody to read"},
    [TEXT_NOTICES_NONE] = {"目前没有有效的通知。", "No notice is in force now."},
    [TEXT_NOTICES_MORE] = {"更早的通知", "Earlier ones"},
    [TEXT_NOTICES_END] = {"没有更早的通知了。", "There are no earlier ones."},
    [TEXT_NOTICE_SINCE] = {"发布于 ", "Published "},
    [TEXT_NOTICE_UNTIL] = {"有效期至 ", "in force until "},
    [TEXT_TRAP] = {"此处请留空", "Leave this empty"},
    [TEXT_TRAPPED] = {"一个应当留空的栏目被填写了（可能是浏览器自动填写）。现已清空，请再提交一次。",
                      "A field that must stay empty was filled in, perhaps by your browser. It is empty again: please "
                      "send the form once more."},
    [TEXT_HELD_TITLE] = {"已收到，待人工核对", "Received, to be looked at by a person"},
    [TEXT_HELD_LEAD] =
        {"您填写的内容已收到并保存。它有些像自动程序发送的，所以由工作人员看过后才登记；在此之前没有案件编号，期限也不"
         "显示。登记后，期限从收到时起算。请凭下面的编号和查询码查询结果。",
         "What you wrote has been received and kept. It looks somewhat like what programs send, so a "
         "person looks at it before it is registered; until then it has no case number, and no dates are "
         "shown. Once registered, its dates count from when it was received. Ask after it with the "
         "number and the code below."},
    [TEXT_HELD_NUMBER] = {"收件编号", "Number"},
    [TEXT_HELD_SINCE] = {"收到时间", "Received"},
    [TEXT_HELD_FILES] = {"登记之前不收文件。登记后请在进度页上添加。",
                         "Files are taken once it is registered: please add them on the page of the case then."},
    [TEXT_HELD_REFUSED_TITLE] = {"未予登记", "Not registered"},
    [TEXT_HELD_REFUSED_LEAD] = {"工作人员看过您提交的内容，没有登记，理由如下。如有异议，请打电话或到现场反映。",
                                "A person looked at what you sent and did not register it, for the reason below. If "
                                "you do not agree, please call or come by."},
    [TEXT_HELD_REASON] = {"理由", "Reason"},

    [TEXT_404_TITLE] = {"没有这个页面", "There is no such page"},
    [TEXT_404_LEAD] = {"网址可能不完整，或者页面已经移动。", "The address may be incomplete, or the page has moved."},
    [TEXT_405_TITLE] = {"不能这样打开本页", "This page cannot be opened like that"},
    [TEXT_405_LEAD] = {"请从首页重新开始。", "Please begin again from the front page."},
    [TEXT_413_TITLE] = {"提交的内容太大", "That was too large"},
    [TEXT_413_LEAD] = {"请缩短文字后再提交。用浏览器的“返回”可以回到刚才填写的内容。",
                       "Please shorten the text and send it again. Your browser's Back leads to what you typed."},
    [TEXT_400_TITLE] = {"提交的内容无法读取", "That could not be read"},
    [TEXT_400_LEAD] = {"表单不完整。请用浏览器的“返回”回到刚才的页面再提交一次。",
                       "The form was incomplete. Please go back in your browser and send it again."},
    [TEXT_429_TITLE] = {"请稍后再试", "Please wait a little"},
    [TEXT_429_LEAD] = {"请求太频繁了，请过一会儿再打开本页。",
                       "That was too often. Please open this page again in a moment."},
    [TEXT_503_TITLE] = {"暂时无法使用", "Not available right now"},
    [TEXT_503_LEAD] = {"请过一会儿再打开本页。", "Please open this page again in a moment."},
    [TEXT_503_NOTHING_LOST] = {"已经登记的事项不受影响，期限照常计算。",
                               "Nothing that was registered is affected; all dates keep running."},
    [TEXT_LEFT_TITLE] = {"已退出查询", "You have left the case"},
    [TEXT_LEFT_LEAD] = {"这台设备上不再保留您的案件信息。", "This device no longer holds anything of your case."},
};

const char *portal_text(enum language language, enum text_id id)
{
    return texts[id][language];
}

const char *portal_label(enum language language, const Hb__Label *label)
{
    if (!label)
        return "";
    const char *own = language == LANGUAGE_ZH ? label->zh : label->en;
    return *own ? own : language == LANGUAGE_ZH ? label->en : label->zh;
}

const char *language_tag(enum language language)
{
    return language == LANGUAGE_ZH ? "zh-CN" : "en";
}

const char *language_name(enum language language)
{
    return language == LANGUAGE_ZH ? "中文" : "English";
}

bool language_parse(const char *tag, size_t size, enum language *language_out)
{
    bool whole = size == 2 || (size > 2 && tag[2] == '-');
    if (whole && strncasecmp(tag, "zh", 2) == 0)
        *language_out = LANGUAGE_ZH;
    else if (whole && strncasecmp(tag, "en", 2) == 0)
        *language_out = LANGUAGE_EN;
    else
        return false;
    return true;
}

/* The weight of one entry ("en;q=0.8"), in thousandths. */
static int weight_of(const char *parameters, size_t size)
{
    for (size_t i = 0; i + 2 < size; i++)
        if (parameters[i] == 'q' && parameters[i + 1] == '=')
            return (int)(strtod(parameters + i + 2, NULL) * 1000);
    return 1000;
}

bool language_accepted(const char *accept_language, enum language *language_out)
{
    int best = 0;
    for (const char *at = accept_language; at && *at;) {
        at += strspn(at, " ,\t");
        size_t size = strcspn(at, ","), tag = strcspn(at, ",; \t");
        enum language language;
        int weight = weight_of(at + tag, size - tag);
        if (language_parse(at, tag, &language) && weight > best) {
            best = weight;
            *language_out = language;
        }
        at += size;
    }
    return best > 0;
}
