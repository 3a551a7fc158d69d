// The steps of a policy by what it says that they are for, and those that a list can be narrowed to: whatever it calls them.
import type { Kind, Policy } from "../api/types";
import { i18n, said } from "../i18n";

/** Keys of a case, and what the step that each opens is for. More time is a step of every clock that allows it. A note is part of any step: of the one whose form is open, else of one that is for notes. */
export const stepKeys = { a: "ASSIGN", r: "ANSWER", n: "NOTE", e: "extend" } as const;
export type StepKey = keyof typeof stepKeys;

/** Does this step of the kind answer to the key? */
export function answersTo(key: StepKey, kind: Kind | undefined, step: string): boolean {
  return key === "e" ? step === stepKeys.e : kind?.steps?.find(one => one.name === step)?.does === stepKeys[key];
}

/** Of one kind, or of all; those of the same name once. More time is a step of every kind that allows it. */
export function stepsOf(policy: Policy | undefined, kind: string): { name: string; label: string }[] {
  const steps = new Map<string, string>([["extend", i18n.global.t("step.extend")]]);
  for (const one of policy?.kinds ?? [])
    if (!kind || one.name === kind) for (const step of one.steps ?? []) if (step.name !== "register" && !steps.has(step.name)) steps.set(step.name, said(step.label, step.name));
  return [...steps].map(([name, label]) => ({ name, label }));
}
