// What /api/v1 gives, as far as the console looks at it. Times are RFC 3339; 64-bit numbers are texts.
import type { FieldProblem, Label } from "./http";

export interface Site { id: string; name: Label; zone: string; language?: string; code?: string; public?: boolean; second_factor?: string[] }
export interface Department { id: string; site: string; name: Label; head?: string; parent?: string }
export interface Person { id: string; name: string; posts?: { post: string; department?: string; site?: string }[] }
export interface Shift { from_min: number; to_min: number }
export interface Calendar {
  name: string; zone: string; week: { shifts?: Shift[] }[]; exceptions?: { date: number; works?: boolean; shifts?: Shift[]; name?: string }[];
  years?: number[]; no_holidays?: boolean; version?: number; source?: string;
}
export interface Thing { id: string; site: string; of: string; name?: Label; facts?: Fact[]; holders?: { post: string; person: string }[]; within?: string }
export interface Account { id: string; person?: string; scopes?: string[]; sites?: string[] }
export interface DutyShift { person: string; deputy?: string; from_ms: string; to_ms: string }
export interface RosterPlan { site: string; roster: string; thing?: string; from_ms: string; to_ms: string; shifts?: DutyShift[] }
export interface Token { id: string; name: string; scopes?: string[]; sites?: string[]; created_at: string; expires_at: string }
export interface Moved { clocks?: { case_id: string; instance: { clock: string }; moved_from: string; due_at: string; was_provisional?: boolean; provisional?: boolean }[]; next?: string; counting?: boolean }
// `things`, `accounts` and `rosters` for whoever may organise
export interface Organisation { sites?: Site[]; departments?: Department[]; people?: Person[]; calendars?: Calendar[]; things?: Thing[]; accounts?: Account[]; rosters?: RosterPlan[] }
export interface Roster { name: string; label?: Label; posts?: string[]; cover?: string; deputy_needed?: boolean; of?: string } // of: planned for each entry of this register
export interface Register { name: string; label?: Label; fields?: FieldDef[]; marks?: Choice[]; must_have?: string[] }

export interface Value { text?: string; number?: string; yes?: boolean; time?: string; duration?: string; duration_ms?: string; money_fen?: string; texts?: { text?: string[] } | string[]; present?: boolean }
export interface Personal { plain?: string; sealed?: unknown }
export interface Fact { name: string; value?: Value }
export interface Field { name: string; value?: Value; text?: Personal }

export type FieldType = "TEXT" | "CHOICE" | "YES_NO" | "NUMBER" | "MONEY" | "TIME" | "DURATION" | "PERSON" | "DEPARTMENT" | "PLACE" | "FILE" | "NAME" | "PARTS" | "CHECKLIST" | "THING";
export interface Choice { name: string; label?: Label }
export interface FieldDef {
  name: string; label?: Label; type?: FieldType; one_of?: Choice[]; needed?: "ALWAYS" | "AT_STEP" | "WHEN"; needed_at?: string;
  default_value?: Value; public?: boolean; figure?: unknown; thing?: string; names_case?: boolean; case_kind?: string; open_text?: boolean; // thing: the register it is of
}
export interface Step { name: string; label?: Label; from?: string[]; to?: string; by?: Who[]; needs?: { type?: string; name: string }[]; fields?: string[]; link?: string; case_field?: string; copy?: string[]; does?: string }
export interface Who { root?: string; of?: string[] }
export interface Rule { before?: string; when?: { type?: string; name?: string }; condition?: { nodes?: unknown[] }; then?: { type?: string; name?: string }[] }
export interface Clock { name: string; label?: Label; clauses?: string[] }
export interface Kind { name: string; label?: Label; fields?: FieldDef[]; stages?: { name: string; phase: string; label?: Label }[]; steps?: Step[]; clocks?: Clock[]; rules?: Rule[]; chains?: Approval[]; public?: boolean; public_problem?: string }
export interface DocumentDef { name: string; label?: Label; of?: string; draft?: Label } // of: the text that the document is
export interface Approval { name: string; label?: Label; of?: string }
export interface Policy {
  site: string; version: number; kinds?: Kind[]; categories?: { name: string; label?: Label; department?: string }[]; calendar?: string;
  clauses?: { id: string; label?: Label }[]; notices?: { name: string; label?: Label; to?: Who[]; text?: Label; subject?: Label }[]; documents?: DocumentDef[];
  posts?: { name: string; label?: Label }[]; rosters?: Roster[]; things?: Register[]; ladders?: { name: string }[]; indicators?: { name: string; label?: Label }[];
}

export interface CaseRow {
  case_id: string; site: string; number: string; kind: string; category?: string; department?: string; handler?: string; stage: string; phase: number;
  received_at: string; due_at?: string; open_due_at?: string; closed_at?: string; on_time?: string; provisional?: boolean; round: number; level?: number; channel?: string; version: string; problems?: number; joint?: string[]; sealed?: boolean; approvals?: string[]; duty?: string; subject?: string; steps?: string[];
  cell?: string; cell_name?: string; zone?: string; // of another cell: with case_id its identity; of its site
}
export interface CaseElsewhere { row: CaseRow; texts: Label }
export interface Cell { cell: string; name: string; heard?: string; behind?: string; as_of?: string; problem?: string }
export interface SiteFigures { cell?: string; cell_name?: string; site: string; name?: Label; total: Figures }
export interface View { id: string; site: string; name: Label; list?: string; filter?: { name: string; value: string }[]; shared?: string; department?: string; owner?: string; own?: boolean }
export interface CaseList { rows: CaseRow[]; cursor?: string; stale?: boolean }

export interface Allowed { step: string; label?: Label; needs?: string[]; anew?: string[]; offers?: string[]; blocked?: FieldProblem[]; clauses?: string[]; clocks?: string[]; for_persons?: string[]; seen?: Seen }
export interface Seen { now?: string[]; later?: string[] } // by the complainant
export interface Registrable { kinds?: { kind: string; channels?: string[]; any_channel?: boolean; settling?: string; attach?: boolean }[]; received?: boolean }
export interface Party { name?: Personal; phone?: Personal; email?: Personal; address?: Personal; anonymous?: boolean; confidential?: boolean; language?: string }
/** Why something stays sealed; `purpose_needed`: of a confidential case, until it is said what for. */
export interface Unopened { code?: string; detail?: string }
export interface CaseFile {
  case_id: string; site: string; number: string; kind: string; stage: string; phase: number; round: number; joined?: number; version: string; facts?: Fact[]; texts?: Field[];
  text?: Personal; party?: Party; lead?: string; handler?: string; joint?: string[]; received_at: string; closed_at?: string; policy_version: number; allowed?: Allowed[];
  links?: { name: string; case_id: string; kind: string; stage: string; number: string }[]; problems?: { rule?: string; text?: Label }[]; identity_withheld?: boolean;
  unopened?: Unopened; masked?: boolean; attachments?: Attachment[]; timeline?: Timeline; may_attach?: boolean; seen?: Seen;
  withheld?: string[]; // fields that have a value which is not shown to whoever asks
}
export interface Attachment { file: string; file_name?: Personal; type: string; size: string; at: string; person?: string; complainant?: boolean; deleted_at?: string; deleted_under?: string[] }
export interface ThingCase { case_id: string; number: string; kind: string; stage: string; phase: number; field: string; received_at: string; closed_at?: string; lead?: string; handler?: string; policy_version: number }
export interface ThingHistory { cases?: ThingCase[]; next?: string }
export interface HbEvent {
  service: string; offset: string; recorded_at: string; occurred_at: string; actor?: { account?: string; person?: string; complainant?: boolean; for_person?: string };
  clauses?: string[]; facts?: Fact[]; withheld_fields?: string[]; [payload: string]: unknown;
}
export interface Timeline { events: HbEvent[]; next?: number }
export interface ClockState {
  instance: { clock: string; round: number; part?: string }; label?: Label; clauses?: string[]; state: string; start_at: string; due_at: string; met_at?: string;
  provisional: boolean; main: boolean; days?: { date: string; what: string; reason?: Label }[];
}
export interface Explained {
  routing?: { routed?: { lead?: string; handler?: string; reason?: Label; at?: string }[]; clauses?: string[] };
  clocks?: ClockState[]; unavailable?: Record<string, unknown>;
}
export interface Document { name: string; label?: Label; of?: string; issued?: { number?: string; at?: string }[]; clauses?: string[] }
export interface Submitted { case_id: string; site: string; number: string; tracking_code?: string; alike?: string[]; slip?: { track: string; proof: string; qr: string }; promised?: { clock: string; label?: Label; due_at: string; provisional?: boolean; main?: boolean; clauses?: string[] }[] }

export interface Figures {
  key?: string; registered: number; closed: number; open: number; rated: number; on_time: number; overdue: number; reopened: number; escalated: number; satisfied: number; dissatisfied: number;
  response_ms_sum: string; response_count: number; resolution_ms_sum: string; resolution_count: number; returned: number;
}
export interface Grouped { total: Figures; groups?: Figures[]; by?: string; stale?: boolean }
export interface HeldRow { id: string; number: string; kind: string; category?: string; text?: { plain?: string }; received_at: string; suspect?: string[]; origin?: string; same_origin?: number; reason?: { plain?: string }; refused_by?: string; refused_at?: string }
export interface HeldPage { rows: HeldRow[]; next?: string; waiting: number; oldest_at?: string; masked?: boolean; unopened?: Unopened }
export interface DueNotice { case_id: string; number: string; kind: string; policy_version: number; queued_at: string; notice: { notice_id: string; notice: string; channel: string; person?: string; complainant?: boolean; reason?: string; subject?: Label; text?: Label } }
export interface Kpi { total: Figures; categories?: Figures[]; kinds?: Figures[]; departments?: Figures[]; periods?: Figures[]; sites?: SiteFigures[]; cells?: { cell?: string; name?: string; total: Figures }[] }
export interface Counted { period: string; value?: string; hits?: string; among?: string; lacking_count?: string; counted?: ("hits" | "among" | "lacking")[] }
export interface Indicator extends Counted {
  name: string; label?: Label; clauses?: string[]; definition: string; per?: string; who?: string; target?: string; state: string;
  lacking?: string[]; how?: Label; where?: string; alarm?: boolean; since?: string; trend?: Counted[]; compared?: (Counted & { than: "previous" | "last_year"; change?: string })[];
}
export interface AuditEntry {
  at: string; what: string; act: string; name?: string; account?: string; person?: string; for_person?: string; operator?: boolean; case_id?: string; number?: string; kind?: string;
  purpose?: string; fields?: string[]; withheld?: string[]; masked?: boolean; version?: number; service: string; partition?: number; offset: string;
}
export interface AuditPage { entries: AuditEntry[]; cursor?: string; stale?: boolean }
export interface Chain {
  service: string; partition: number; end?: string; verified?: string; verified_at?: string; findings_count: number; findings?: string[]; phase?: string; chained?: string; folded?: string; turns?: string;
  unavailable?: Record<string, unknown>;
}
export interface PolicySources { site: string; version?: number; packs?: string[]; kept?: boolean; sources?: { path: string; text?: string }[]; since?: string; follows?: string; changed_by?: string; approved_in?: string }
export interface ComingPolicy { day: string; packs: string[]; base_version?: number }
export interface SitePolicy { site: string; version: number; packs?: string[]; coming?: ComingPolicy }
export interface PolicyMistake { file: string; line: number; field: string; zh: string; en: string; warning?: boolean }
/** A published policy finds nobody for this at its site. */
export interface PolicyWarning { field: string; text: { zh: string; en: string } }
export interface PolicyChange { what: "added" | "removed" | "changed"; path: string; item: string; text: string; loosens: boolean }
export interface PolicyRun { clauses: string[]; zh: string; en: string; row: string; file: string; line: number; as_expected: boolean; difference?: { line: number; field: string; zh: string; en: string } }
