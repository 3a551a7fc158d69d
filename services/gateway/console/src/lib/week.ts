// The week of a roster: it begins on a Monday at the hour of the handover, on the clocks of the site.
import type { DutyShift, RosterPlan } from "../api/types";
import { instantOf, localOf } from "./time";

const DAY = 86_400_000;
export interface Week { monday: string; hour: string } // 2026-11-30, 08:00

export function addDays(date: string, days: number): string { return new Date(Date.parse(`${date}T00:00Z`) + days * DAY).toISOString().slice(0, 10); }
export function mondayOf(date: string): string { return addDays(date, -((new Date(`${date}T00:00Z`).getUTCDay() + 6) % 7)); }
export function spanOf(week: Week, zone: string): { from: number; to: number } {
  return { from: instantOf(`${week.monday}T${week.hour}`, zone), to: instantOf(`${addDays(week.monday, 7)}T${week.hour}`, zone) };
}
export function hourOf(plan: RosterPlan | undefined, zone: string): string { return plan ? localOf(Number(plan.from_ms), zone).slice(11) : "00:00"; }

/** What the server replaces when the week is planned anew: the shifts that begin in it. */
export function shiftsIn(plan: RosterPlan | undefined, week: Week, zone: string): DutyShift[] {
  const { from, to } = spanOf(week, zone);
  return (plan?.shifts ?? []).filter(one => Number(one.from_ms) >= from && Number(one.from_ms) < to).sort((a, b) => Number(a.from_ms) - Number(b.from_ms));
}

/** A shift on each of the days, from one time to another; an end that is not after its beginning is of the next day. */
export function repeat(week: Week, days: number[], person: string, deputy: string, from: string, to: string, zone: string): DutyShift[] {
  return days.map(day => {
    const date = addDays(week.monday, day), end = to <= from ? addDays(date, 1) : date;
    return { person, ...(deputy ? { deputy } : {}), from_ms: String(instantOf(`${date}T${from}`, zone)), to_ms: String(instantOf(`${end}T${to}`, zone)) };
  });
}
export function onDuty(plan: RosterPlan | undefined, now: number): DutyShift[] { return (plan?.shifts ?? []).filter(one => Number(one.from_ms) <= now && now < Number(one.to_ms)); }
