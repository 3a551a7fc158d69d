// What a list asks for: its own condition, narrowed by the filters that stand in the address. Saved views hold the same two.
import { session } from "../api/session";
import type { useDirectory } from "../stores/directory";
import type { Filter } from "./list";

export const lists = ["work", "approvals", "department", "joint", "near", "late", "sealed", "all"] as const;
export const filters = ["kind", "category", "department", "handler", "phase", "on_time", "number", "text", "order", "stage", "external_id", "overdue", "received_from", "received_to", "due_from", "due_to", "joint", "sealed", "approval", "duty"] as const;
const DAY = 24 * 3600_000;

/** Undefined: nobody is known whose list it would be. */
export function filterOf(list: string, given: Record<string, string>, site: string, directory: ReturnType<typeof useDirectory>, at = Date.now()): Filter | undefined {
  const own: Filter = { ...given, site }, open: Filter = { ...own, phase: own.phase || "open" };
  if (list === "all") return own;
  if (list === "work") return session.person ? { ...open, handler: session.person } : undefined;
  if (list === "department") return { ...open, department: own.department || directory.myDepartments(site)[0] };
  if (list === "approvals") return { ...own, approval: "mine" };
  if (list === "joint") return { ...open, joint: own.joint || directory.myDepartments(site)[0] || "*" };
  if (list === "sealed") return { ...own, sealed: "true" };
  if (list === "late") return { ...own, overdue: "true" };
  return { ...open, due_from: new Date(at).toISOString(), due_to: new Date(at + DAY).toISOString() };
}
