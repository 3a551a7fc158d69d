// What /api/v1 gives, as far as the console looks at it. Times are RFC 3339; 64-bit numbers are texts.
import type { FieldProblem, Label } from "./http";

export interface Site { id: string; name: Label; zone: string; language?: string }
export interface Department { id: string; site: string; name: Label; head?: string; parent?: string }
export interface Person { id: string; name: string; posts?: { post: string; department?: string; site?: string }[] }
export interface Shift { from_min: number; to_min: number }
export interface Calendar {
  name: string; zone: string; week: { shifts?: Shift[] }[]; exceptions?: { date: number; works: boolean; shifts?: Shift[] }[];
}
export interface Thing { id: string; site: string; register?: string; name?: Label }
export interface Organisation { sites?: Site[]; departments?: Department[]; people?: Person[]; calendars?: Calendar[]; things?: Thing[] }

export interface Value { text?: string; number?: string; yes?: boolean; time?: string; duration?: string; duration_ms?: string; money_fen?: string; texts?: { text?: string[] } | string[]; present?: boolean }
export interface Personal { plain?: string; sealed?: unknown }
export interface Fact { name: string; value?: Value }
export interface Field { name: string; value?: Value; text?: Personal }

export type FieldType = "TEXT" | "CHOICE" | "YES_NO" | "NUMBER" | "MONEY" | "TIME" | "DURATION" | "PERSON" | "DEPARTMENT" | "PLACE" | "FILE" | "NAME" | "PARTS" | "CHECKLIST" | "THING";
export interface Choice { name: string; label?: Label }
export interface FieldDef {
  name: string; label?: Label; type?: FieldType; one_of?: Choice[]; needed?: "ALWAYS" | "AT_STEP" | "WHEN"; needed_at?: string;
  default_value?: Value; public?: boolean; figure?: unknown;
}
export interface Step { name: string; label?: Label; from?: string[]; to?: string; by?: { root?: string; of?: string[] }[]; needs?: { type?: string; name: string }[]; fields?: string[] }
export interface Clock { name: string; label?: Label; clauses?: string[] }
export interface Kind { name: string; label?: Label; fields?: FieldDef[]; stages?: { name: string; phase: string; label?: Label }[]; steps?: Step[]; clocks?: Clock[]; public?: boolean }
export interface Policy {
  site: string; version: number; kinds?: Kind[]; categories?: { name: string; label?: Label; department?: string }[]; calendar?: string;
  clauses?: { id: string; label?: Label }[]; notices?: { name: string; label?: Label }[]; documents?: { name: string; label?: Label }[];
  posts?: { name: string; label?: Label }[]; ladders?: { name: string }[]; indicators?: { name: string; label?: Label }[];
}

export interface CaseRow {
  case_id: string; site: string; number: string; kind: string; category?: string; department?: string; handler?: string; stage: string; phase: number;
  received_at: string; due_at?: string; closed_at?: string; on_time?: string; provisional?: boolean; round: number; level?: number; channel?: string; version: string; problems?: number; joint?: string[]; sealed?: boolean; approvals?: string[]; duty?: string;
}
export interface View { id: string; site: string; name: Label; list?: string; filter?: { name: string; value: string }[]; shared?: string; department?: string; owner?: string; own?: boolean }
export interface CaseList { rows: CaseRow[]; cursor?: string; stale?: boolean }

export interface Allowed { step: string; label?: Label; needs?: string[]; offers?: string[]; blocked?: FieldProblem[]; clauses?: string[]; clocks?: string[] }
export interface Party { name?: Personal; phone?: Personal; email?: Personal; address?: Personal; anonymous?: boolean; confidential?: boolean }
export interface CaseFile {
  case_id: string; site: string; number: string; kind: string; stage: string; phase: number; round: number; joined?: number; version: string; facts?: Fact[]; texts?: Field[];
  text?: Personal; party?: Party; lead?: string; handler?: string; joint?: string[]; received_at: string; closed_at?: string; policy_version: number; allowed?: Allowed[];
  links?: { name: string; case_id: string; kind: string; stage: string; number: string }[]; problems?: { rule?: string; text?: Label }[]; identity_withheld?: boolean;
  unopened?: { detail?: string }; masked?: boolean; attachments?: Attachment[]; may_attach?: boolean;
}
export interface Attachment { file: string; file_name?: Personal; type: string; size: string; at: string; person?: string; complainant?: boolean }
export interface HbEvent {
  service: string; offset: string; recorded_at: string; occurred_at: string; actor?: { account?: string; person?: string; complainant?: boolean };
  clauses?: string[]; facts?: Fact[]; [payload: string]: unknown;
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
export interface Document { name: string; label?: Label; issued?: { number?: string; at?: string }[]; clauses?: string[] }
export interface Submitted { case_id: string; site: string; number: string; tracking_code?: string; alike?: string[]; promised?: { clock: string; label?: Label; due_at: string; provisional?: boolean; main?: boolean; clauses?: string[] }[] }

export interface Figures {
  key?: string; registered: number; closed: number; open: number; rated: number; on_time: number; overdue: number; reopened: number; escalated: number; satisfied: number; dissatisfied: number;
  response_ms_sum: string; response_count: number; resolution_ms_sum: string; resolution_count: number;
}
export interface Kpi { total: Figures; categories?: Figures[]; kinds?: Figures[]; departments?: Figures[]; periods?: Figures[] }
export interface Indicator {
  name: string; label?: Label; clauses?: string[]; definition: string; period: string; per?: string; who?: string; value?: string; target?: string; state: string;
  hits?: string; among?: string; lacking_count?: string; lacking?: string[]; alarm?: boolean;
  trend?: { period: string; value?: string }[]; compared?: { than: "previous" | "last_year"; period: string; value?: string; change?: string }[];
}
