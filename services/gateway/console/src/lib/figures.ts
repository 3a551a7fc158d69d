// What each figure is made of, and, as the API says it, what it is and which cases are behind it: the filter with which a list has exactly those.
import { reactive } from "vue";
import { get, Problem, type Label } from "../api/http";
import type { Figures, Grouped, Kpi } from "../api/types";
import type { Filter } from "./list";

export type FigureColumn = "registered" | "open" | "closed" | "onTime" | "overdue" | "lateOpen" | "onTimeShare" | "response" | "resolution" | "satisfied" | "dissatisfied" | "satisfiedShare" | "reopened" | "reopenedShare" | "returned" | "returnedShare" | "escalated";
type Counted = { name: string; part: keyof Figures; whole?: keyof Figures | "satisfied+dissatisfied"; sum?: keyof Figures };

export const columnsOf: Record<FigureColumn, Counted> = {
  registered: { name: "registered", part: "registered" },
  open: { name: "open", part: "open" },
  closed: { name: "closed", part: "closed" },
  onTime: { name: "on_time", part: "on_time" },
  overdue: { name: "overdue", part: "overdue" },
  lateOpen: { name: "late_open", part: "overdue" }, // of open cases only
  onTimeShare: { name: "on_time_share", part: "on_time", whole: "rated" },
  response: { name: "response", part: "response_count", whole: "response_count", sum: "response_ms_sum" },
  resolution: { name: "resolution", part: "resolution_count", whole: "resolution_count", sum: "resolution_ms_sum" },
  satisfied: { name: "satisfied", part: "satisfied" },
  dissatisfied: { name: "dissatisfied", part: "dissatisfied" },
  satisfiedShare: { name: "satisfied_share", part: "satisfied", whole: "satisfied+dissatisfied" },
  reopened: { name: "reopened", part: "reopened" },
  reopenedShare: { name: "reopened_share", part: "reopened", whole: "registered" },
  returned: { name: "returned", part: "returned" },
  returnedShare: { name: "returned_share", part: "returned", whole: "registered" },
  escalated: { name: "escalated", part: "escalated" },
};

const kept: Record<string, "departments" | "kinds" | "categories" | "periods" | undefined> = { department: "departments", kind: "kinds", category: "categories", month: "periods" };

/** Of all cases of a site the server keeps the figures, whatever their number; of some it counts them. They are the same. */
export async function figuresOf(filter: Filter, by: string): Promise<Grouped> {
  const { site, ...narrowed } = filter, group = kept[by];
  if (group && !Object.values(narrowed).some(Boolean)) {
    try {
      const kpi = await get<Kpi>("/reports/kpi", { site });
      return { total: kpi.total, groups: kpi[group] ?? [] };
    } catch (fault) { // too many may be hidden to be told apart at once
      if (!(fault instanceof Problem) || fault.status !== 413) throw fault;
    }
  }
  return get<Grouped>("/reports/figures", { ...filter, by });
}

export function share(part: number, whole: number): string { return whole ? `${(100 * part / whole).toFixed(1)} %` : "–"; }
export function hours(t: (key: string, named: Record<string, unknown>) => string, sum: string, count: number): string { return count ? t("figures.hours", { hours: (Number(sum) / count / 3600_000).toFixed(1) }) : "–"; }

/** Of a column: as a person reads it. */
export function figureOf(column: FigureColumn, one: Figures, t: (key: string, named: Record<string, unknown>) => string): string {
  const { part, whole, sum } = columnsOf[column];
  if (sum) return hours(t, one[sum] as string, one[part] as number);
  return whole ? share(...figureParts(column, one)) : String(one[part]);
}

/** Of a share: what counts, and of how many. */
export function figureParts(column: FigureColumn, one: Figures): [number, number] {
  const { part, whole } = columnsOf[column];
  return [one[part] as number, whole === "satisfied+dissatisfied" ? one.satisfied + one.dissatisfied : one[whole!] as number];
}

/** What each figure is, as the API says it, by its name there. */
export const definitions = reactive<Record<string, { definition: Label; part: string; among?: string }>>({});
export async function needDefinitions(): Promise<void> {
  if (Object.keys(definitions).length) return;
  const { figures } = await get<{ figures: { name: string; definition: Label; part: string; among?: string }[] }>("/reports/definitions");
  for (const one of figures) definitions[one.name] = one;
}

/** The filter of the cases that count (of a mean: that it is of), or of a share those they are counted among; undefined: it is no share. */
export function casesOf(column: FigureColumn, which: "part" | "among" = "part"): Record<string, string> | undefined {
  const filter = definitions[columnsOf[column].name]?.[which];
  return filter === undefined ? undefined : Object.fromEntries(new URLSearchParams(filter));
}
