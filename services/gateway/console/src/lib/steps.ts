// The steps of a policy by what it says that they are for, and those that a list can be narrowed to: whatever it calls them.
import type { Allowed, Kind, Policy } from "../api/types";
import { said } from "../i18n";

/** Keys of a case, and what the step that each opens is for. A note is part of any step: of the one whose form is open, else of one that is for notes. */
export const stepKeys = { a: "ASSIGN", r: "ANSWER", n: "NOTE", e: "EXTEND" } as const;
export type StepKey = keyof typeof stepKeys;

/** Does this step that may be taken now answer to the key? More time is given by the one that names clocks it is for. */
export function answersTo(key: StepKey, kind: Kind | undefined, step: Allowed): boolean {
  return key === "e" ? Boolean(step.clocks?.length) : kind?.steps?.find(one => one.name === step.step)?.does === stepKeys[key];
}

/** Of one kind, or of all; those of the same name once. More time is no step of the policy: lists have a filter of its own for it. */
export function stepsOf(policy: Policy | undefined, kind: string): { name: string; label: string }[] {
  const steps = new Map<string, string>();
  for (const one of policy?.kinds ?? [])
    if (!kind || one.name === kind) for (const step of one.steps ?? []) if (step.name !== "register" && !steps.has(step.name)) steps.set(step.name, said(step.label, step.name));
  return [...steps].map(([name, label]) => ({ name, label }));
}
