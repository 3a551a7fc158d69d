// Times as people of the site read them, and how much working time is left.
import type { Calendar, Shift } from "../api/types";

const MINUTE = 60_000, HOUR = 60 * MINUTE, DAY = 24 * HOUR;

export function format(time: string | undefined, zone: string, language: string, seconds = false): string {
  if (!time) return "";
  const options: Intl.DateTimeFormatOptions = { timeZone: zone, year: "numeric", month: "2-digit", day: "2-digit", hour: "2-digit", minute: "2-digit", hourCycle: "h23" };
  if (seconds) options.second = "2-digit";
  return new Intl.DateTimeFormat(language === "en" ? "en-GB" : "zh-CN", options).format(new Date(time)).replace(",", "");
}

/** How far the zone's clocks are ahead of UTC at an instant. */
function ahead(zone: string, at: number): number {
  const parts = new Intl.DateTimeFormat("en-US", { timeZone: zone, hourCycle: "h23", year: "numeric", month: "numeric", day: "numeric", hour: "numeric", minute: "numeric", second: "numeric" }).formatToParts(at);
  const part = (type: string) => Number(parts.find(p => p.type === type)?.value);
  return Date.UTC(part("year"), part("month") - 1, part("day"), part("hour"), part("minute"), part("second")) - Math.floor(at / 1000) * 1000;
}

function shiftsOf(calendar: Calendar, days: ReadonlyMap<number, Shift[]>, day: number): Shift[] {
  return days.get(day) ?? calendar.week[(((day + 3) % 7) + 7) % 7]?.shifts ?? [];
}

function exceptionsOf(calendar: Calendar): Map<number, Shift[]> {
  return new Map((calendar.exceptions ?? []).map(one => [one.date, one.works ? (one.shifts?.length ? one.shifts : calendar.week[0]?.shifts ?? []) : []]));
}

export interface Left { late: boolean; working: boolean; days: number; hours: number; minutes: number; level: "late" | "near" | "good" }

/**
 * Between now and `due`: in whole working days and hours of the calendar where there is at least one such day, in hours
 * and minutes of the clock otherwise. The zone's offset is taken once: a change of the clocks in between moves it by an hour.
 */
export function left(due: string, now: number, calendar: Calendar | undefined): Left {
  const end = Date.parse(due), late = end < now, from = Math.min(now, end), to = Math.max(now, end);
  const plain = { late, working: false, days: 0, hours: Math.floor((to - from) / HOUR), minutes: Math.floor(((to - from) % HOUR) / MINUTE), level: late ? "late" as const : to - from < DAY ? "near" as const : "good" as const };
  if (!calendar || to - from > 800 * DAY) return plain;
  const offset = ahead(calendar.zone, now), exceptions = exceptionsOf(calendar);
  const begin = from + offset, stop = to + offset;
  let worked = 0, length = 0;
  for (let day = Math.floor(begin / DAY); day * DAY < stop; day++)
    for (const shift of shiftsOf(calendar, exceptions, day)) {
      const a = Math.max(begin, day * DAY + shift.from_min * MINUTE), b = Math.min(stop, day * DAY + shift.to_min * MINUTE);
      worked += Math.max(0, b - a);
    }
  for (const shift of calendar.week[0]?.shifts ?? []) length += (shift.to_min - shift.from_min) * MINUTE;
  if (!length || worked < length) return plain;
  const rest = worked % length;
  return { late, working: true, days: Math.floor(worked / length), hours: Math.floor(rest / HOUR), minutes: 0, level: late ? "late" : "good" };
}
