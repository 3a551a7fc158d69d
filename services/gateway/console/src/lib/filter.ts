// What a list asks for: its own condition, narrowed by the filters that stand in the address. Saved views hold the same two.
import { session } from "../api/session";
import type { useDirectory } from "../stores/directory";
import type { Filter } from "./list";
import { nearUntil } from "./time";

export const lists = ["work", "approvals", "escalated", "department", "joint", "near", "late", "sealed", "all"] as const;
export const filters = ["kind", "category", "department", "handler", "phase", "on_time", "number", "text", "order", "stage", "external_id", "overdue", "received_from", "received_to", "due_from", "due_to", "joint", "sealed", "approval", "duty", "escalated", "escalated_to", "reopened", "returned", "responded", "step", "satisfied", "place", "extended", "indicator", "period", "who", "counted"] as const;
/** Those that no input of the list shows: each is named, and can be taken away. */
export const unseen = ["handler", "stage", "on_time", "overdue", "received_from", "received_to", "due_from", "due_to", "escalated", "reopened", "returned", "responded", "satisfied", "place", "external_id", "extended", "indicator"] as const;
const MINUTE = 60_000;

const openPhases = ["new", "working", "waiting", "done", "open"];

/** Are all cases of the list open? Only such lists come in order of their dates due; what is found in texts comes by receipt. */
export function mayBeByDue(list: string, given: Record<string, string>): boolean {
  return !given.text && (given.phase ? given.phase.split(",").every(one => openPhases.includes(one)) : !["all", "sealed"].includes(list));
}
/** As it is chosen; what has to be done begins with what is urgent, then with what is due first. */
export function orderOf(list: string, given: Record<string, string>): string {
  const wanted = given.order || (["work", "department", "near", "late"].includes(list) ? "urgent" : "newest");
  return ["due", "urgent"].includes(wanted) && !mayBeByDue(list, given) ? "newest" : wanted;
}

/** Undefined: nobody is known whose list it would be. */
export function filterOf(list: string, given: Record<string, string>, site: string, directory: ReturnType<typeof useDirectory>, at = Date.now()): Filter | undefined {
  const own: Filter = { ...given, order: orderOf(list, given), site }, open: Filter = { ...own, phase: own.phase || "open" };
  if (list === "all") return own;
  if (list === "work") return session.person ? { ...open, handler: session.person } : undefined;
  if (list === "department") return { ...open, department: own.department || directory.myDepartments(site)[0] };
  if (list === "approvals") return { ...own, approval: "mine" };
  if (list === "escalated") return session.person ? { ...own, escalated_to: session.person } : undefined;
  if (list === "joint") return { ...open, joint: own.joint || directory.myDepartments(site)[0] || "*" };
  if (list === "sealed") return { ...own, sealed: "true" };
  if (list === "late") return { ...own, late: "true" };
  return { ...open, due_from: new Date(at).toISOString(), due_to: new Date(nearUntil(at, directory.calendar(site)) + MINUTE).toISOString() }; // with what is due at 24:00
}
