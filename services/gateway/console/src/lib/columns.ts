// Which columns of a list are shown: chosen once, kept in this browser, the same in all lists. The number is always there.
import { ref } from "vue";

export const columns = ["remaining", "due", "stage", "kind", "department", "handler", "received", "channel"] as const;
export type Column = (typeof columns)[number];
const KEPT = "hearback.columns", usual: Column[] = ["remaining", "stage", "kind", "department", "handler", "received"];

function kept(): Column[] {
  try {
    const list: unknown = JSON.parse(localStorage.getItem(KEPT) ?? "");
    return Array.isArray(list) ? columns.filter(one => list.includes(one)) : usual;
  } catch { // nothing was kept, or something else
    return usual;
  }
}

export const shownColumns = ref(new Set<Column>(kept()));

export function showColumn(column: Column, yes: boolean): void {
  if (yes) shownColumns.value.add(column); else shownColumns.value.delete(column);
  localStorage.setItem(KEPT, JSON.stringify([...shownColumns.value]));
}
