// What the complainant is told when a step is taken: the notices that rules of the policy send to the complainant upon the step or the
// stage it leads to, with what is known of their texts by now.
import type { CaseFile, Kind, Policy } from "../api/types";
import { said } from "../i18n";

export interface Told { name: string; perhaps: boolean; subject: string; text: string }

export function toldBy(step: string, file: CaseFile, kind: Kind | undefined, policy: Policy | undefined, valueOf: (field: string) => string): Told[] {
  const to = kind?.steps?.find(one => one.name === step)?.to;
  const rules = (kind?.rules ?? []).filter(rule => !rule.before && rule.when && ((rule.when.type === "STEP" && rule.when.name === step) || ((rule.when.type ?? "STAGE") === "STAGE" && to && rule.when.name === to && to !== file.stage)));
  const fill = (text: string) => text.replace(/\{([^}]+)\}/g, (_, field: string) => field === "number" ? file.number : valueOf(field) || "…");
  const list: Told[] = [];
  for (const rule of rules)
    for (const action of rule.then ?? []) {
      const notice = action.type === "TELL" ? policy?.notices?.find(one => one.name === action.name) : undefined;
      if (!notice?.to?.some(who => who.root === "complainant" && !who.of?.length) || list.some(one => one.name === notice.name)) continue;
      list.push({ name: said(notice.label, notice.name), perhaps: Boolean(rule.condition?.nodes?.length), subject: fill(said(notice.subject)), text: fill(said(notice.text)) });
    }
  return list;
}
