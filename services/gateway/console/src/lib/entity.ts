// What an administrator edits: one thing of the organisation as PUT /organisation takes it, described by the inputs it has.
import { toRaw } from "vue";
import type { Problem } from "../api/http";
import { said } from "../i18n";

export type Entity = Record<string, unknown>;
export interface Option { value: string; label: string }
export interface Input {
  name: string;
  type: "text" | "label" | "choice" | "flag" | "many" | "lines" | "rows" | "instant" | "number";
  needed?: boolean;
  fixed?: boolean; // given once: names the thing
  options?: (row: Entity, whole: Entity) => Option[];
  rows?: Input[];
  hint?: string;
}

export function same(a: unknown, b: unknown): boolean { return JSON.stringify(clean(a)) === JSON.stringify(clean(b)); }

/** Without what is empty, names in order: what the server leaves out and what was never typed are one. */
export function clean(value: unknown): unknown {
  if (Array.isArray(value)) return value.length ? value.map(one => clean(one) ?? {}) : undefined;
  if (value && typeof value === "object") {
    const list = Object.entries(value).map(([name, one]) => [name, clean(one)] as const).filter(([, one]) => one !== undefined).sort(([a], [b]) => a < b ? -1 : 1);
    return list.length ? Object.fromEntries(list) : undefined;
  }
  return value === "" || value === false || value === null ? undefined : value;
}

/** The server's mistakes by the place in the form: `people[0].posts[1].site` is `posts[1].site`. */
export function wrongsOf(problem: Problem | undefined, list: string): Map<string, string> {
  const found = new Map<string, string>();
  if (!problem) return found;
  const all = problem.problems.length ? problem.problems : [{ field: problem.field, text: problem.label }];
  for (const one of all) if (one.field?.startsWith(`${list}[0]`)) found.set(one.field.slice(list.length + 4), said(one.text, problem.message));
  return found;
}

/** What others changed since `seen` is taken over where nothing was typed; gives the names of what they changed. */
export function takeOver(model: Entity, seen: Entity, now: Entity): string[] {
  const changed = [...new Set([...Object.keys(seen), ...Object.keys(now)])].filter(name => !same(seen[name], now[name]));
  for (const name of changed) if (same(model[name], seen[name])) model[name] = structuredClone(toRaw(now[name])); // what is shown cannot be cloned, what it is of can
  return changed;
}
