/* Every kind of note: what happened, and what the operator should do. */
#include "log/internal.h"

const struct log_kind log_kinds[NOTES_COUNT] = {
    [NOTE_READY] = {"ready", LEVEL_INFO, "the service has caught up and takes requests", "", "已就绪", ""},
    [NOTE_STOPPED] = {"stopped", LEVEL_INFO, "the service ends as it was told", "", "已按指令停止", ""},
    [NOTE_START_REFUSED] = {"start_refused", LEVEL_ERROR, "the service cannot start",
                            "mend what `why` says; a damaged log is restored from a backup (hearback restore)",
                            "无法启动", "按 why 所述处理；日志损坏时用备份恢复（hearback restore）"},
    [NOTE_COMMIT_FAILED] = {"commit_failed", LEVEL_ERROR, "the disk refused a write; nothing acknowledged is lost",
                            "the service restarts and reads again; if it repeats, look at the disk (dmesg, SMART)",
                            "磁盘拒绝写入，已答复的内容不受影响", "服务将重启并重读；若再次出现，请检查磁盘"},
    [NOTE_FULL] = {"full", LEVEL_ERROR, "there is no room on the disk: writes are refused, reads go on",
                   "free some space in the data folder; it goes on by itself", "磁盘空间不足，暂停写入，仍可查询",
                   "请在数据目录所在磁盘腾出空间，之后自动继续"},
    [NOTE_ROOM_AGAIN] = {"room_again", LEVEL_INFO, "there is room on the disk again", "", "磁盘空间已恢复", ""},
    [NOTE_CLOCK_SUSPECT] = {"clock_suspect", LEVEL_ERROR,
                            "the machine's clock jumped, or is before what was recorded: no writes, no deadlines",
                            "set the clock (timedatectl), or accept it as it is: hearback accept-clock",
                            "系统时钟跳变或早于已有记录，暂停写入与计时",
                            "请校正系统时钟；若确认无误，执行 hearback accept-clock"},
    [NOTE_CLOCK_TRUSTED] = {"clock_trusted", LEVEL_INFO, "the clock is trusted again", "", "系统时钟恢复可信", ""},
    [NOTE_FEED_STOPPED] =
        {"feed_stopped", LEVEL_ERROR, "this service no longer hears another one",
         "run hearback verify; restore both services from the same backup, or roll out the newer version",
         "不再接收另一服务的事件", "请执行 hearback verify；必要时用同一备份恢复两个服务，或先升级本服务"},
    [NOTE_ABORTED] = {"aborted", LEVEL_WARNING,
                      "the service aborted at this input the last time; it is tried once more",
                      "report the line before the abort; if it aborts again, the input is set aside",
                      "上次运行在该输入处中止，将再试一次", "请上报中止前的日志；若再次中止，该输入将被隔离"},
    [NOTE_QUARANTINED] = {"quarantined", LEVEL_ERROR, "an input made the service abort twice and is set aside",
                          "report it; when it is mended, let it go: hearback release KEY",
                          "某输入两次使服务中止，已隔离", "请上报；修复后执行 hearback release KEY 放行"},
    [NOTE_RELEASED] = {"released", LEVEL_INFO, "what was set aside is let go", "", "已放行被隔离的输入", ""},
    [NOTE_WAITING_LONG] = {"waiting_long", LEVEL_WARNING,
                           "events have waited for more than five minutes for what they need",
                           "look whether the service that should say it runs (hearback status)",
                           "有事件等待其前提已超过五分钟", "请查看应发出前提的服务是否运行（hearback status）"},
    [NOTE_KEY_REFUSED] =
        {"key_refused", LEVEL_WARNING, "somebody knocked with a key that is not in the configuration",
         "if it was one of ours, list its public key under `keys`; else see who can reach the endpoint",
         "有人使用未登记的密钥连接", "若为自有程序，请在 keys 中登记其公钥；否则请检查网络可达范围"},
    [NOTE_MAIL_NOT_SENT] = {"mail_not_sent", LEVEL_WARNING, "the mail server did not take a mail; it is tried again",
                            "see smtp in the configuration, and the mail server's own log",
                            "邮件服务器未接收邮件，将重试", "请检查配置中的 smtp 与邮件服务器日志"},
    [NOTE_OVERLOADED] = {"overloaded", LEVEL_WARNING,
                         "more requests come than this service can take: those that find no room get 503",
                         "if it lasts: see who sends so much (/metrics), use a faster disk, or split the service",
                         "请求超出处理能力，超出部分以 503 回绝",
                         "若持续：查看请求来源（/metrics），换更快的磁盘，或拆分该服务"},
};

const char *log_note_name(enum log_note note)
{
    return log_kinds[note].name;
}
