// What each figure is made of, and which cases are behind it: the filter with which a list has exactly those.
import { get, Problem } from "../api/http";
import type { Figures, Grouped, Kpi } from "../api/types";
import type { Filter } from "./list";

export type FigureColumn = "registered" | "open" | "closed" | "onTime" | "overdue" | "lateOpen" | "onTimeShare" | "response" | "resolution" | "satisfied" | "dissatisfied" | "satisfiedShare" | "reopened" | "reopenedShare" | "returned" | "returnedShare" | "escalated";
type Counted = { part: keyof Figures; whole?: keyof Figures | "satisfied+dissatisfied"; sum?: keyof Figures; query?: Record<string, string> };

// A share and a mean open the cases that they are of.
export const columnsOf: Record<FigureColumn, Counted> = {
  registered: { part: "registered", query: {} },
  open: { part: "open", query: { phase: "open" } },
  closed: { part: "closed", query: { phase: "closed,archived" } },
  onTime: { part: "on_time", query: { on_time: "true" } },
  overdue: { part: "overdue", query: { on_time: "false" } },
  lateOpen: { part: "overdue", query: { overdue: "true" } }, // of open cases only
  onTimeShare: { part: "on_time", whole: "rated", query: { on_time: "true" } },
  response: { part: "response_count", whole: "response_count", sum: "response_ms_sum", query: { responded: "true" } },
  resolution: { part: "resolution_count", whole: "resolution_count", sum: "resolution_ms_sum", query: { phase: "closed,archived" } },
  satisfied: { part: "satisfied", query: { satisfied: "satisfied" } },
  dissatisfied: { part: "dissatisfied", query: { satisfied: "dissatisfied" } },
  satisfiedShare: { part: "satisfied", whole: "satisfied+dissatisfied", query: { satisfied: "satisfied" } },
  reopened: { part: "reopened", query: { reopened: "true" } },
  reopenedShare: { part: "reopened", whole: "registered", query: { reopened: "true" } },
  returned: { part: "returned", query: { returned: "true" } },
  returnedShare: { part: "returned", whole: "registered", query: { returned: "true" } },
  escalated: { part: "escalated", query: { escalated: "true" } },
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
  if (!whole) return String(one[part]);
  return share(one[part] as number, whole === "satisfied+dissatisfied" ? one.satisfied + one.dissatisfied : one[whole] as number);
}
