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

// As the server counts where a site has no calendar of its own.
const office: Shift[] = [{ from_min: 510, to_min: 1080 }];

export function officeCalendar(zone: string): Calendar {
  return { name: "", zone, week: [0, 1, 2, 3, 4, 5, 6].map(day => ({ shifts: day < 5 ? office : [] })) };
}

/** Of the first day of the week that has hours: what a day that was made a working day follows. */
function usual(calendar: Calendar): Shift[] {
  return calendar.week.find(day => day.shifts?.length)?.shifts ?? [];
}

type Shifts = (day: number) => Shift[];

/** The hours of a day, counted since 1970 where the calendar is. */
function shiftsOf(calendar: Calendar): Shifts {
  const exceptions = new Map((calendar.exceptions ?? []).map(one => [one.date, one.works ? (one.shifts?.length ? one.shifts : undefined) : []]));
  return day => {
    const weekly = calendar.week[(((day + 3) % 7) + 7) % 7]?.shifts ?? [];
    return exceptions.has(day) ? exceptions.get(day) ?? (weekly.length ? weekly : usual(calendar)) : weekly;
  };
}

const LOOK_DAYS = 60; // no holiday is as long

/** 24:00 of the next working day. Until then a case is near its date: who looks on Friday sees what is due on Monday. */
export function nearUntil(now: number, calendar: Calendar | undefined): number {
  if (!calendar) return now + DAY;
  const offset = ahead(calendar.zone, now), today = Math.floor((now + offset) / DAY), shifts = shiftsOf(calendar);
  let day = today + 1;
  while (day < today + LOOK_DAYS && !shifts(day).length) day++;
  return (day + 1) * DAY - offset;
}

export interface Left { late: boolean; working: boolean; days: number; hours: number; minutes: number; level: "late" | "near" | "good" }

/**
 * Between now and `due`: in working days, hours and minutes of the calendar, or in hours and minutes of the clock where no working time
 * lies between, and where the date is on a day off: a clock that runs on working time never ends there. The zone's offset is taken
 * once: a change of the clocks in between moves it by an hour.
 */
export function left(due: string, now: number, calendar: Calendar | undefined): Left {
  const end = Date.parse(due), late = end < now, from = Math.min(now, end), to = Math.max(now, end);
  const level = late ? "late" as const : end <= nearUntil(now, calendar) ? "near" as const : "good" as const;
  const plain = { late, working: false, days: 0, hours: Math.floor((to - from) / HOUR), minutes: Math.floor(((to - from) % HOUR) / MINUTE), level };
  if (!calendar || to - from > 800 * DAY) return plain;
  const offset = ahead(calendar.zone, now), shifts = shiftsOf(calendar), begin = from + offset, stop = to + offset;
  let worked = 0;
  for (let day = Math.floor(begin / DAY); day * DAY < stop; day++)
    for (const shift of shifts(day)) worked += Math.max(0, Math.min(stop, day * DAY + shift.to_min * MINUTE) - Math.max(begin, day * DAY + shift.from_min * MINUTE));
  const length = usual(calendar).reduce((sum, shift) => sum + (shift.to_min - shift.from_min) * MINUTE, 0);
  if (worked < MINUTE || !shifts(Math.floor((end + offset - 1) / DAY)).length) return plain;
  const rest = worked % length;
  return { late, working: true, days: Math.floor(worked / length), hours: Math.floor(rest / HOUR), minutes: Math.floor((rest % HOUR) / MINUTE), level };
}

/** An instant as an input of type datetime-local has it ("2025-03-07T17:00"), on the clocks of a zone; and back. */
export function localOf(ms: number, zone: string): string {
  return new Date(ms + ahead(zone, ms)).toISOString().slice(0, 16);
}
export function instantOf(local: string, zone: string): number {
  const plain = Date.parse(`${local}Z`), guess = plain - ahead(zone, plain);
  return plain - ahead(zone, guess);
}
/** What the API takes; what is no instant is left as it is, to be refused. */
export function isoOf(local: string, zone: string): string {
  const at = instantOf(local, zone);
  return Number.isNaN(at) ? local : new Date(at).toISOString();
}
