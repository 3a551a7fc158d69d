// Rows of lists: a case is known by its cell and its id, for ids, numbers, sites and people of two cells may be called the same. What
// another cell calls things is shown as it came: this system's policy and organisation are not that cell's.
import type { CaseRow } from "../api/types";
import { i18n } from "../i18n";
import { useDirectory } from "../stores/directory";
import { channelName } from "./fields";

const phases = ["", "new", "working", "waiting", "done", "closed", "archived"];

export function keyOf(row: CaseRow): string { return `${row.cell ?? ""}/${row.site}/${row.case_id}`; }
export function linkOf(row: CaseRow): string { return row.cell ? `/elsewhere/${row.cell}/${row.case_id}` : `/case/${row.case_id}`; }
/** Nothing is to be done by its date any more. */
export function isOver(row: CaseRow): boolean { return row.phase >= 5 || (row.on_time === "false" && !row.open_due_at); }
/** What is left of the date that comes first of those that are still to be met; else how the main deadline ended. */
export function remainingOf(row: CaseRow): { due?: string; done: boolean; onTime?: string; provisional?: boolean } {
  if (row.open_due_at) return { due: row.open_due_at, done: false, provisional: row.provisional && row.open_due_at === row.due_at };
  return { due: row.due_at, done: isOver(row), onTime: row.on_time, provisional: row.provisional };
}

export function useRowNames() {
  const directory = useDirectory();
  function zone(row: CaseRow): string { return row.cell ? row.zone || "UTC" : directory.zone(row.site); }
  /** The working hours of another cell are not known: what is left is told by the clock. */
  function calendar(row: CaseRow) { return row.cell ? undefined : directory.calendar(row.site); }
  function stage(row: CaseRow): string {
    if (!row.cell) return directory.stageName(row.site, row.kind, row.stage);
    return phases[row.phase] ? `${i18n.global.t(`phase.${phases[row.phase]}`)} · ${row.stage}` : row.stage;
  }
  function kind(row: CaseRow): string { return row.cell ? row.kind : directory.kindName(row.site, row.kind); }
  function category(row: CaseRow): string { return row.cell ? row.category ?? "" : directory.categoryName(row.site, row.category); }
  function department(row: CaseRow, id = row.department): string { return row.cell ? id ?? "" : directory.department(row.site, id); }
  function joint(row: CaseRow): string { return (row.joint ?? []).map(one => department(row, one)).join(i18n.global.t("punctuation.comma")); }
  function handler(row: CaseRow): string { return row.cell ? row.handler ?? "" : directory.person(row.handler); }
  function channel(row: CaseRow): string { return channelName(row.cell ? undefined : directory.kind(row.site, row.kind), row.channel ?? ""); }
  return { zone, calendar, stage, kind, category, department, joint, handler, channel };
}
