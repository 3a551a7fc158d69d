// What the console works out by itself, without a browser: working time left, what is near, and that every name that can come from the
// server has a text in both languages. Run by test_console.py: node console_units.mjs
import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join, dirname } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

const root = join(dirname(fileURLToPath(import.meta.url)), "../.."), folder = join(root, "services/gateway/console");
const esbuild = createRequire(join(folder, "package.json"))("esbuild");

async function load(source) {
  const out = mkdtempSync(join(tmpdir(), "console-"));
  try {
    await esbuild.build({ stdin: { contents: source, resolveDir: join(folder, "src"), loader: "ts" }, bundle: true, format: "esm", outfile: join(out, "units.mjs"), logLevel: "error" });
    return await import(pathToFileURL(join(out, "units.mjs")).href);
  } finally {
    rmSync(out, { recursive: true });
  }
}

const { left, nearUntil, officeCalendar, filterOf, zh, en } = await load(`
  export { left, nearUntil, officeCalendar } from "./lib/time";
  export { filterOf } from "./lib/filter";
  export { default as zh } from "./i18n/zh-CN";
  export { default as en } from "./i18n/en";`);

// 2025-03-07 is a Friday; in Shanghai it is eight hours later than in UTC.
const at = text => Date.parse(`${text}:00+08:00`), iso = text => new Date(at(text)).toISOString();
const plain = officeCalendar("Asia/Shanghai"), day = text => Date.parse(`${text}T00:00:00Z`) / 86_400_000;
const madeUp = { ...plain, exceptions: [{ date: day("2025-03-08"), works: true }] }; // 调休: the Saturday is worked
const holiday = { ...plain, exceptions: [{ date: day("2025-03-10"), works: false }, { date: day("2025-03-11"), works: false }] };
const of = (from, due, calendar) => { const one = left(iso(due), at(from), calendar); return [one.working, one.days, one.hours, one.minutes, one.level]; };

// Over a weekend less than a working day is left: it is told in working time, and as near.
assert.deepEqual(of("2025-03-07T17:00", "2025-03-10T09:00", plain), [true, 0, 1, 30, "near"]);
assert.deepEqual(of("2025-03-07T17:30", "2025-03-10T09:00", plain), [true, 0, 1, 0, "near"]);
assert.deepEqual(of("2025-03-07T17:30", "2025-03-10T09:00", madeUp), [true, 1, 1, 0, "good"]); // a whole Saturday more
assert.deepEqual(of("2025-03-07T17:30", "2025-03-08T09:00", madeUp), [true, 0, 1, 0, "near"]);
assert.deepEqual(of("2025-03-07T17:30", "2025-03-12T09:00", holiday), [true, 0, 1, 0, "near"]);
assert.deepEqual(of("2025-03-07T17:00", "2025-03-14T18:00", plain), [true, 5, 1, 0, "good"]);
assert.deepEqual(of("2025-03-10T09:30", "2025-03-07T17:30", plain), [true, 0, 1, 30, "late"]);
assert.deepEqual(of("2025-03-08T10:00", "2025-03-08T12:30", plain), [false, 0, 2, 30, "near"]); // a clock that runs on a Saturday
assert.deepEqual(of("2025-03-07T17:00", "2025-03-09T17:00", plain), [false, 0, 48, 0, "near"]);
assert.deepEqual(of("2025-03-07T17:00", "2025-03-08T09:00", undefined), [false, 0, 16, 0, "near"]); // the calendar is not here yet

// Near is what is due by the end of the next working day.
assert.equal(nearUntil(at("2025-03-07T17:00"), plain), at("2025-03-11T00:00"));
assert.equal(nearUntil(at("2025-03-07T17:00"), madeUp), at("2025-03-09T00:00"));
assert.equal(nearUntil(at("2025-03-08T12:00"), plain), at("2025-03-11T00:00"));
assert.equal(nearUntil(at("2025-03-10T09:00"), plain), at("2025-03-12T00:00"));
assert.equal(nearUntil(at("2025-03-07T17:00"), holiday), at("2025-03-13T00:00"));
const near = filterOf("near", {}, "s", { calendar: () => plain, myDepartments: () => [] }, at("2025-03-07T17:00"));
assert.ok(near.due_from === iso("2025-03-07T17:00") && near.due_to > iso("2025-03-10T18:00") && near.due_to > iso("2025-03-11T00:00") && near.due_to < iso("2025-03-11T08:30"), JSON.stringify(near));

// Every name that can come has a text.
const read = path => readFileSync(join(root, path), "utf8");
const between = (text, begin, end) => text.slice(text.indexOf(begin) + begin.length, text.indexOf(end, text.indexOf(begin) + begin.length));
const strings = text => [...text.matchAll(/"([a-z][a-z_]*)"/g)].map(found => found[1]);
const kinds = service => [...between(read(`proto/hearback/${service}.proto`), "message Event {", "\n}").matchAll(/ ([a-z_]+) = \d+;/g)].map(found => `${service}_${found[1]}`);
const names = {
  channel: strings(between(read("common/policy/lookup.c"), "policy_channels[] = {", "}")).concat(["portal", "sms", "wecom", "paper", "board", "log"], "visit"),
  clock: strings(between(read("services/watchdog/answer.c"), "*state_text(", "\n}")),
  day: strings(between(read("services/watchdog/answer.c"), "*what_text(", "\n}")),
  notice: ["queued", "due", "published", "not_sent"],
  indicator: strings(between(read("services/analytics/answer_indicators.c"), "said->state =", ";")),
  phase: ["new", "working", "waiting", "done", "open", "closed", "archived"],
  event: ["intake", "routing", "casework", "watchdog", "escalation", "notification", "analytics"].flatMap(kinds),
};
assert.ok(names.channel.includes("inspection") && names.clock.length === 6 && names.day.length >= 4 && names.event.length > 40 && names.indicator.length === 4, JSON.stringify(names));
for (const [group, list] of Object.entries(names))
  for (const name of list)
    for (const [language, texts] of [["zh-CN", zh], ["en", en]]) assert.ok(texts[group][name], `${language} has no text ${group}.${name}`);
