// The steps that a list can be narrowed to: given back, chased, decided for good, given more time, whatever the policy calls its own.
import type { Policy } from "../api/types";
import { i18n, said } from "../i18n";

/** Keys of a case, and the steps that each opens: the first of them that may be taken now. A note is part of any step: of the one whose form is open, else of one that changes little. */
export const stepKeys: Record<string, string[]> = {
  a: ["assign", "dispatch", "arbitrate", "give", "transfer", "share_out"],
  r: ["answer", "reply"],
  n: ["note", "add_note", "amend"],
  e: ["extend"],
};

/** Of one kind, or of all; those of the same name once. More time is a step of every kind that allows it. */
export function stepsOf(policy: Policy | undefined, kind: string): { name: string; label: string }[] {
  const steps = new Map<string, string>([["extend", i18n.global.t("step.extend")]]);
  for (const one of policy?.kinds ?? [])
    if (!kind || one.name === kind) for (const step of one.steps ?? []) if (step.name !== "register" && !steps.has(step.name)) steps.set(step.name, said(step.label, step.name));
  return [...steps].map(([name, label]) => ({ name, label }));
}
