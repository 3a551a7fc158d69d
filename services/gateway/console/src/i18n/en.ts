import type zh from "./zh-CN";

// The same keys as zh-CN, or it does not compile.
const en: typeof zh = {
  nav: {
    title: "Console", skip: "Skip to content", menu: "Menu", site: "Site", leave: "Sign out", notLeft: "You are still signed in", whoAmI: "I am", demonstration: "Demonstration", work: "My work", approvals: "For my approval", joint: "Joint", sealed: "Confidential", department: "My department", near: "Due soon", late: "Overdue", all: "All cases",
    reception: "Reception", dispatch: "Coordination", figures: "Figures",
  },
  signIn: {
    title: "Sign in", account: "Account", password: "Password", code: "One-time code (if switched on)", token: "Access token", tokenHint: "The token is kept in this tab only and is gone when you close it.", go: "Sign in", first: "First time: set a password with a setup code", haveOne: "I have a password: sign in", setupCode: "Setup code (from the administrator)", wrong: "Account, password or token is not right",
  },
  account: {
    title: "My account", changePassword: "Change password", old: "Present password", password: "New password", othersEnd: "All other devices are signed out then.", changed: "The password is changed.", tokensLeft: "The password is changed. {count} access tokens of this account go on; “Sign out everywhere” ends them.", second: "One-time codes", on: "Switched on. A code, or a recovery code, switches it off.", giveUp: "Switch off", enrol: "Switch on",
    enter: "Enter this key in an authenticator app, then the six digits it shows.", code: "Six digits", confirm: "Confirm", recovery: "The recovery codes are shown this once; keep them safe. Each works once.", enrolled: "One-time codes are on.", given: "One-time codes are off.", devices: "All devices", everywhere: "Sign out everywhere",
  },
  state: { loading: "Loading", retry: "Try again", empty: "Nothing here", fault: "Something went wrong. Please try again.", unreachable: "The server cannot be reached. What you typed is still here; check the network and try again." },
  problem: { field: "Where", accepted: "Accepted" },
  punctuation: { comma: ", " },
  unknown: { title: "There is no such page", back: "Back to my work" },
  live: { online: "Live", offline: "Not live" },
  keys: { title: "Keyboard", close: "Close", rows: "Next case, previous case", open: "Open the chosen case", search: "Search", tick: "Tick the row", send: "Send the form" },
  form: { needed: "required", yes: "Yes", no: "No", cancel: "Cancel", anotherPart: "One more" },
  time: {
    left: "{span} left", over: "{span} over", workingDays: "{days} wd", workingDaysHours: "{days} wd {hours} h", naturalDays: "{days} days", hoursMinutes: "{hours} h {minutes} min", minutes: "{minutes} min",
    none: "No deadline", wasLate: "Late", wasOnTime: "On time", provisional: "(provisional)", unitDays: "days", unitHours: "h", unitMinutes: "min",
  },
  list: {
    joint: "Department that helps", sealed: "Confidential", number: "Number", remaining: "Deadline", stage: "Stage", kind: "Kind", category: "Category", department: "Department", handler: "Handler", received: "Received", phase: "State", order: "Order", newest: "Newest first", oldest: "Oldest first",
    any: "All", count: "{count} cases", csv: "Export CSV", xlsx: "Export XLSX", exporting: "Exporting {file}: {size}", notExported: "Nothing was exported.", search: "Case number (or its beginning)", searchTexts: "Words, number, place, name", searchShort: "Give at least two characters side by side.", searchRecorded: "A search in sealed texts is recorded.", more: "Show more", level: "Level {level}", whoAreYou: "Say in the menu who you are; then your work is listed here.", nothingFits: "No case fits these filters.",
    empty: { work: "You have no open cases.", approvals: "No case waits for your approval.", joint: "No case is handled jointly.", sealed: "There is no confidential case that you may see.", department: "The department has no open cases.", near: "No case is due within a day.", late: "No case is overdue.", all: "There are no cases yet." },
  },
  views: { title: "Views", save: "Save as a view", change: "This view", name: "Name", sharedWith: "Shared with", nobody: "Nobody", wholeSite: "The whole site", noText: "Words searched for are not kept in a view.", saveChanges: "Save changes", saveNew: "Save as another", drop: "Delete", reallyDrop: "Really delete", mark: { department: "(department)", site: "(site)" } },
  purpose: { title: "What do you need it for?", recorded: "The purpose, your name and the time are recorded in the case.", reason: { call: "To call the complainant", visit: "To go there", check: "To check identity or facts", send: "To send a document or see a file", other: "Something else" }, words: "Purpose", open: "Show", masked: "Names, addresses and numbers are shown in part.", show: "Show in full", said: "Shown in full, and recorded: “{purpose}”." },
  phase: { new: "New", working: "In hand", waiting: "Waiting", done: "Done", open: "Open", closed: "Closed", archived: "Archived" },
  channel: { phone: "Telephone", walk_in: "In person", letter: "Letter", email: "E-mail", web: "Web", portal: "Portal", sms: "SMS", wecom: "WeCom", paper: "Paper", board: "Notice board", log: "Record", wechat: "WeChat", open311: "Open311", rule: "By the system", import: "Import" },
  notice: { queued: "queued", due: "to be done by a person", published: "published", not_sent: "not sent" },
  fact: { received_at: "Received", first_contact: "First contact", channel: "Channel", place: "Place", category: "Category" },
  party: { name: "Name", phone: "Telephone", email: "E-mail", address: "Address", anonymous: "Anonymous", confidential: "Confidential", none: "No contact details were given." },
  case: {
    title: "Case", joined: "{count} others have it", about: "The matter", actions: "What you may do now", noActions: "There is no step you may take now.", blocked: "barred at present", clock: "Which deadline", note: "Internal note (the complainant never sees it)", internal: "Internal note", stale: "Somebody else was faster, and nothing was written. Below are the case as it is now and what they did; what you typed is still here.",
    others: "What others changed", newer: "The case has changed.", show: "Show what changed", done: "Done. The case is now at “{stage}”.", clocks: "Deadlines", noClocks: "No deadlines.", main: "Main", due: "Due", why: "Why this date", documents: "Documents", whyHere: "Why they handle it",
    links: "Linked cases", problems: "Problems to look at", timeline: "What happened", everything: "Also show what the system did ({count})", complainant: "Complainant", system: "System", sealed: "(sealed: you may not read it)", nobody: "Nobody yet", round: "Round {round}", linkedWith: "Linked with", apartFrom: "Taken apart from",
  },
  files: { title: "Files", none: "No files.", add: "Add files", hint: "Of 10 MB each; they may be dropped here too. Where a picture was taken is removed.", under: "Sending {name}" },
  clock: { running: "running", paused: "paused", met: "met", missed: "missed", cancelled: "cancelled" },
  day: { start: "start", counted: "counted", skipped: "skipped", rolled: "moved on", due: "due" },
  event: {
    intake_registered: "Registered {number}", intake_request_refused: "A linked case could not be registered", intake_opened: "Opened in full: {purpose}", intake_opened_masked: "Read, numbers masked", intake_numbers_skipped: "Numbers were skipped",
    routing_routed: "Sent to {department} {person}", routing_problem: "Routing had a problem",
    casework_step_taken: "{step} {stage}", casework_case_requested: "The policy asks for another case", casework_notice_requested: "To be told: {notice}", casework_escalation_requested: "Escalation asked for", casework_escalation_acknowledged: "{person} acknowledged the escalation",
    casework_document_issued: "Issued: {document} {number}", casework_file_attached: "A file was attached", casework_action_refused: "Refused: {step}", casework_problem_noted: "A problem was noted", casework_history_ended: "End of the imported history", casework_extension_granted: "{clock} extended to {due}", casework_assign_requested: "Reassignment asked for", casework_mark_requested: "A mark in the register asked for", casework_case_linked: "{ended} {number} ({step})",
    watchdog_armed: "{clock} due {due}", watchdog_paused: "{clock} paused", watchdog_met: "{clock} met", watchdog_missed: "{clock} missed (was due {due})", watchdog_miss_withdrawn: "{clock}: the miss is withdrawn", watchdog_cancelled: "{clock} cancelled", watchdog_point: "{clock}: warning point", watchdog_schedule_opened: "A periodic duty began", watchdog_duty_due: "A periodic duty is due",
    escalation_reached: "Level {level}: {told}", escalation_cancelled: "Escalation withdrawn", escalation_problem: "Nobody to tell", escalation_acknowledged: "{person} acknowledged",
    notification_queued: "Notice {notice} ({channel}, {status})", notification_attempt_failed: "Notice not delivered, tried again: {error}", notification_delivered: "Notice delivered", notification_failed: "Notice failed: {notice} {error}", notification_told: "Told: {notice}",
    analytics_case_requested: "Like cases became one case", analytics_step_requested: "Like cases caused a step", analytics_link_requested: "Linked with like cases", analytics_figure_published: "A figure was published",
    other: "{what}",
  },
  bulk: {
    title: "Several cases at once ({count})", begin: "Act on {count} cases", all: "Choose all", choose: "Choose {number}", reading: "Reading the cases, {done} of {all}", kinds: "Choose cases of one kind, and of one version of the policy.", noSteps: "There is no step that all of these cases allow now.", step: "Step", preview: "Preview", would: "{ready} can be done, {refused} would be refused", progress: "{done} done, {failed} failed, of {all}",
    ready: "can be done", refused: "would be refused", done: "done", failed: "not done", going: "under way", stale: "Somebody else was faster: nothing was written.", nothing: "Nothing can be done.", carryOut: "Carry out {count}", back: "Back to the form", again: "Read the others anew", stop: "Stop",
  },
  reception: {
    caller: "The caller's earlier cases", callerCount: "{all} cases, {open} open", callerHint: "Once the telephone number is typed, earlier cases of it are listed here (looking is recorded).", callerNone: "There is no earlier case of this number.", duplicates: "Likely duplicates", duplicatesHint: "Once a category or a place is given, cases of the same within 14 days are listed here.", duplicatesNone: "No like case within 14 days.", keyOpen: "opens the first", keyList: "to the list (arrows choose, Enter opens, Esc returns)", text: "What happened", register: "Register", registered: "Registered", code: "Tracking code", promised: "Promised dates", noPromise: "No date is promised.", next: "Register the next", print: "Print the slip", open: "Open the case", alike: "Open cases of this category", alikeHint: "Once a category is chosen, open cases of it are listed here, so that nothing is registered twice.", alikeFound: "Perhaps the same matter: ", alikeNone: "No open case of this category.", noKinds: "The policy has no kind that staff may register.",
  },
  dispatch: { duties: "Duties due", dutiesNone: "No recurring duty is open.", new: "New, nobody on it yet", newNone: "Nothing new.", late: "Overdue", waiting: "Waiting", waitingNone: "Nothing is waiting.", load: "Open cases by department", loadNone: "No open cases." },
  figures: {
    none: "There are no cases yet, so there are no figures.", registered: "Registered", open: "Open", closed: "Closed", onTime: "On time", overdue: "Overdue", onTimeShare: "On-time rate", onTimeShareIs: "on time ÷ (on time + overdue), by the main deadline", response: "Mean response", responseIs: "from receipt to first acceptance", resolution: "Mean resolution", resolutionIs: "from receipt to closing",
    satisfied: "Satisfaction", satisfiedIs: "satisfied ÷ (satisfied + dissatisfied)", reopened: "Reopened", escalated: "Escalated", hours: "{hours} h", months: "By month", month: "Month", by: "By group", groupBy: "Group by", indicators: "Indicators of the policy", noIndicators: "The policy sets no indicators.", target: "target {target}", definition: "Definition and cases", trend: "Trend", previous: "Against {period}:", last_year: "Against a year ago, {period}:", hits: "{hits} counted of {among}",
  },
  indicator: { met: "met", missed: "missed", no_target: "no target", no_data: "no data" },
};
export default en;
