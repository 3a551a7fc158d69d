// Periods of receipt, on the clocks of a site: what a manager asks figures for.
import { isoOf, localOf } from "./time";

export const periods = ["all", "month", "lastMonth", "quarter", "year", "own"] as const;
export type Period = (typeof periods)[number];
const DAY = 86_400_000;

/** From and to, as /api/v1 takes them: received at or after, and before. `from` and `to`: days ("2025-03-01"), both within, of a period of one's own. */
export function spanOf(period: Period, zone: string, now: number, from = "", to = ""): { received_from?: string; received_to?: string } {
  const [year, month] = localOf(now, zone).split("-").map(Number);
  const at = (y: number, m: number) => isoOf(`${new Date(Date.UTC(y, m - 1, 1)).toISOString().slice(0, 10)}T00:00`, zone); // a month 0 is last December
  const day = (text: string, more: number) => text ? isoOf(`${new Date(Date.parse(`${text}T00:00Z`) + more).toISOString().slice(0, 10)}T00:00`, zone) : undefined;
  if (period === "month") return { received_from: at(year, month), received_to: at(year, month + 1) };
  if (period === "lastMonth") return { received_from: at(year, month - 1), received_to: at(year, month) };
  if (period === "quarter") return { received_from: at(year, month - ((month - 1) % 3)), received_to: at(year, month - ((month - 1) % 3) + 3) };
  if (period === "year") return { received_from: at(year, 1), received_to: at(year + 1, 1) };
  return period === "own" ? { received_from: day(from, 0), received_to: day(to, DAY) } : {};
}

/** Of a month as the server names it ("2025-03"). */
export function spanOfMonth(name: string, zone: string): { received_from: string; received_to: string } {
  const [year, month] = name.split("-").map(Number), next = new Date(Date.UTC(year, month, 1)).toISOString().slice(0, 10);
  return { received_from: isoOf(`${name}-01T00:00`, zone), received_to: isoOf(`${next}T00:00`, zone) };
}

/** As people say it: a quarter ("2025-Q1") and a half month ("2025-03-16") in words; a year, a month and a day stand as they are. */
export function periodName(name: string, t: (key: string, named: Record<string, unknown>) => string): string {
  const quarter = /^(\d{4})-Q([1-4])$/.exec(name), half = /^(\d{4}-\d\d)-(01|16)$/.exec(name);
  if (quarter) return t("figures.quarterOf", { year: quarter[1], quarter: quarter[2] });
  return half ? t(half[2] === "01" ? "figures.firstHalf" : "figures.secondHalf", { month: half[1] }) : name;
}

/** The open cases by age: so many days and more, and less than so many. */
export const ages = [[0, 3], [3, 7], [7, 14], [14, 30], [30, 0]] as const;
export function spanOfAge(from: number, to: number, now: number): { received_from?: string; received_to?: string } {
  return { received_from: to ? new Date(now - to * DAY).toISOString() : undefined, received_to: from ? new Date(now - from * DAY).toISOString() : undefined };
}

type Span = { received_from?: string; received_to?: string };
/** What lies in both; undefined: nothing. */
export function both(one: Span, other: Span): Span | undefined {
  const from = [one.received_from, other.received_from].filter(Boolean).map(text => Date.parse(text!)), to = [one.received_to, other.received_to].filter(Boolean).map(text => Date.parse(text!));
  const first = from.length ? Math.max(...from) : undefined, last = to.length ? Math.min(...to) : undefined;
  if (first !== undefined && last !== undefined && first >= last) return undefined;
  return { received_from: first === undefined ? undefined : new Date(first).toISOString(), received_to: last === undefined ? undefined : new Date(last).toISOString() };
}
