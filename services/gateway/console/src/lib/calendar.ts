// A working calendar as people write it: hours of a day, days of a year that differ from the week.
import type { Calendar, Shift } from "../api/types";

const DAY = 86_400_000;
export type Exception = NonNullable<Calendar["exceptions"]>[number];

export function dateOf(day: number): string { return new Date(day * DAY).toISOString().slice(0, 10); }
export function dayOf(date: string): number { return Math.round(Date.parse(`${date}T00:00Z`) / DAY); }
function clock(minute: number): string { return `${String(Math.floor(minute / 60)).padStart(2, "0")}:${String(minute % 60).padStart(2, "0")}`; }
export function hoursOf(shifts: Shift[] | undefined): string { return (shifts ?? []).map(one => `${clock(one.from_min ?? 0)}-${clock(one.to_min)}`).join(", "); }

/** Undefined: it is not written as hours are. The order and the bounds are looked at by the server. */
export function shiftsOf(text: string): Shift[] | undefined {
  const list = text.split(/[,，]/).map(one => one.trim()).filter(Boolean).map(one => /^(\d{1,2}):(\d\d)\s*[-–]\s*(\d{1,2}):(\d\d)$/.exec(one));
  return list.some(one => !one) ? undefined : list.map(one => ({ from_min: Number(one![1]) * 60 + Number(one![2]), to_min: Number(one![3]) * 60 + Number(one![4]) }));
}

/** `now` undefined: the day is as its weekday is. */
export function withDay(calendar: Calendar, day: number, now: Exception | undefined): Calendar {
  const others = (calendar.exceptions ?? []).filter(one => one.date !== day);
  return { ...calendar, exceptions: [...others, ...(now ? [now] : [])].sort((a, b) => a.date - b.date) };
}
export function yearsOf(calendar: Calendar | undefined): number[] {
  return [...new Set([...(calendar?.years ?? []), ...(calendar?.exceptions ?? []).map(one => Number(dateOf(one.date).slice(0, 4)))])].sort((a, b) => b - a);
}
