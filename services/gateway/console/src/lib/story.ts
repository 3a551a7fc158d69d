// The time line of a case: each event as one line that says what happened, with what it bears.
import type { Field, HbEvent } from "../api/types";

export interface Line { key: string; what: string; minor: boolean; values: Record<string, unknown>; texts: Field[]; note?: string; sealedNote?: boolean }

const payloads = ["intake", "routing", "casework", "watchdog", "escalation", "notification", "analytics"] as const;
// What a reader need not see to know how the case went.
const minorOnes = new Set(["casework.notice_requested", "casework.case_requested", "casework.escalation_requested", "casework.assign_requested", "casework.mark_requested",
  "watchdog.point", "watchdog.cancelled", "notification.queued", "notification.told", "notification.attempt_failed", "intake.opened", "intake.opened_masked", "intake.opened_closed", "intake.numbers_skipped"]);

/** Of a case or of what is held: was it seen in full, masked, or (it is confidential) not at all? */
export function opening(said: { masked?: boolean; fields?: string[] }): "" | "_masked" | "_closed" { return !said.masked ? "" : said.fields?.length ? "_masked" : "_closed"; }

/** `casework.step_taken` and what it says. */
export function lineOf(event: HbEvent): Line {
  for (const service of payloads) {
    const payload = event[service] as Record<string, Record<string, unknown>> | undefined;
    const kind = payload && Object.keys(payload)[0];
    if (!payload || !kind) continue;
    const values = payload[kind], what = `${service}.${kind}${opening(values as { masked?: boolean; fields?: string[] })}`, note = values.note as { plain?: string; sealed?: unknown } | undefined;
    return { key: `${event.service}-${event.offset}`, what, minor: minorOnes.has(what), values, texts: (values.texts as Field[] | undefined) ?? [], note: note?.plain, sealedNote: note !== undefined && note.plain === undefined };
  }
  return { key: `${event.service}-${event.offset}`, what: "other", minor: true, values: {}, texts: [] };
}
