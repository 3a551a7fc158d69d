// The parts of the organisation, each with the columns of its list and the inputs of its form.
import type { Account, Department, Fact, Organisation, Person, Site } from "../api/types";
import { said } from "../i18n";
import type { useDirectory } from "../stores/directory";
import type { Entity, Input, Option } from "./entity";

export const parts = ["sites", "departments", "people", "accounts", "things", "rosters", "calendars"] as const;
export type Part = typeof parts[number];
export const scopes = ["read", "act", "submit", "receive", "open", "report", "import", "policy", "organise", "audit", "*"];
export interface Column { name: string; text: (row: Entity) => string }

const named = <T extends { id: string; name: unknown }>(list: T[] | undefined): Option[] => (list ?? []).map(one => ({ value: one.id, label: typeof one.name === "string" ? one.name : said(one.name as Site["name"], one.id) }));
const id: Input = { name: "id", type: "text", needed: true, fixed: true };
const name: Input = { name: "name", type: "label", needed: true };

/** `all`: what is read anew after each change. */
export function describe(part: Part, all: Organisation, site: string, directory: ReturnType<typeof useDirectory>, say: { scope: (scope: string) => string; language: (tag: string) => string; everywhere: string }): { columns: Column[]; inputs: Input[]; rows: Entity[]; fresh: Entity } {
  const sites = () => named(all.sites), people = () => named(all.people);
  const departments = (at: unknown) => named(all.departments?.filter(one => one.site === at));
  const posts = (at: unknown): Option[] => (directory.policy(String(at))?.posts ?? []).map(one => ({ value: one.name, label: said(one.label, one.name) }));
  const person = (of: unknown) => directory.person(of as string | undefined);
  const languages = () => ["zh-CN", "en"].map(tag => ({ value: tag, label: say.language(tag) }));
  const mine = (list: { site: string }[] | undefined) => (list ?? []).filter(one => one.site === site) as unknown as Entity[];
  const label = (row: Entity) => said(row.name as Site["name"], String(row.id));

  if (part === "sites")
    return {
      rows: (all.sites ?? []) as unknown as Entity[], fresh: { zone: site ? directory.zone(site) : Intl.DateTimeFormat().resolvedOptions().timeZone, language: "zh-CN" },
      columns: [{ name: "name", text: label }, { name: "id", text: row => String(row.id) }, { name: "zone", text: row => String(row.zone) }, { name: "code", text: row => String(row.code ?? "") }],
      inputs: [id, name, { name: "zone", type: "text", needed: true }, { name: "code", type: "text" }, { name: "language", type: "choice", options: languages }, { name: "public", type: "flag" }, { name: "packs", type: "lines" }, { name: "follows", type: "text" },
        { name: "second_factor", type: "many", options: () => scopes.filter(one => one !== "*").map(one => ({ value: one, label: say.scope(one) })) }],
    };
  if (part === "departments")
    return {
      rows: tree((all.departments ?? []).filter(one => one.site === site)) as unknown as Entity[], fresh: { site },
      columns: [{ name: "name", text: label }, { name: "head", text: row => person(row.head) }, { name: "parent", text: row => directory.department(site, row.parent as string | undefined) }],
      inputs: [id, name, { name: "head", type: "choice", options: people }, { name: "parent", type: "choice", options: row => departments(row.site).filter(one => one.value !== row.id) }],
    };
  if (part === "people")
    return {
      rows: ((all.people ?? []).filter(one => !one.posts?.length || one.posts.some(post => post.site === site)) as Person[]) as unknown as Entity[], fresh: posts(site).length ? { posts: [{ site }] } : {}, // before the first policy there are no posts
      columns: [{ name: "name", text: row => String(row.name) }, { name: "posts", text: row => ((row as unknown as Person).posts ?? []).filter(one => one.site === site).map(one => said(directory.policy(site)?.posts?.find(post => post.name === one.post)?.label, one.post)).join(" · ") }, { name: "email", text: row => String(row.email ?? "") }, { name: "deputy", text: row => person(row.deputy) }],
      inputs: [id, { name: "name", type: "text", needed: true }, { name: "email", type: "text" }, { name: "language", type: "choice", options: languages },
        { name: "posts", type: "rows", rows: [{ name: "site", type: "choice", needed: true, options: sites }, { name: "post", type: "choice", needed: true, options: row => posts(row.site) }, { name: "department", type: "choice", options: row => departments(row.site) }] },
        { name: "absent", type: "flag" }, { name: "deputy", type: "choice", options: people },
        { name: "delegations", type: "rows", rows: [{ name: "to", type: "choice", needed: true, options: people }, { name: "from_ms", type: "instant", needed: true }, { name: "to_ms", type: "instant", needed: true }, { name: "reason", type: "text" }] },
        { name: "certificates", type: "rows", rows: [{ name: "name", type: "text", needed: true }, { name: "until_ms", type: "instant" }] },
        { name: "trainee", type: "flag" }, { name: "mentor", type: "choice", options: people }],
    };
  if (part === "accounts")
    return {
      rows: (all.accounts ?? []) as unknown as Entity[], fresh: { scopes: ["read"] },
      columns: [{ name: "id", text: row => String(row.id) }, { name: "person", text: row => person(row.person) }, { name: "scopes", text: row => ((row as unknown as Account).scopes ?? []).map(say.scope).join(" · ") }, { name: "sites", text: row => ((row as unknown as Account).sites ?? []).map(one => one === "*" ? say.everywhere : directory.siteName(one)).join(" · ") }],
      inputs: [id, { name: "person", type: "choice", options: people }, { name: "scopes", type: "many", options: () => scopes.map(one => ({ value: one, label: say.scope(one) })) }, { name: "sites", type: "many", options: () => [...sites(), { value: "*", label: say.everywhere }] }],
    };
  return { // things; the fields of the register stand under these
    rows: mine(all.things), fresh: { site, of: directory.policy(site)?.things?.[0]?.name },
    columns: [{ name: "name", text: label }, { name: "of", text: row => said(directory.policy(site)?.things?.find(one => one.name === row.of)?.label, String(row.of)) }, { name: "holders", text: row => ((row.holders ?? []) as { person: string }[]).map(one => person(one.person)).join(" · ") },
      { name: "marks", text: row => (directory.policy(site)?.things?.find(one => one.name === row.of)?.marks ?? []).filter(mark => (row.facts as Fact[] | undefined)?.some(fact => fact.name === mark.name && fact.value?.yes)).map(mark => said(mark.label, mark.name)).join(" · ") }],
    inputs: [{ name: "of", type: "choice", needed: true, fixed: true, options: () => (directory.policy(site)?.things ?? []).map(one => ({ value: one.name, label: said(one.label, one.name) })) }, id, name,
      { name: "within", type: "choice", options: row => named((all.things ?? []).filter(one => one.site === site && one.id !== row.id).map(one => ({ id: one.id, name: one.name ?? one.id }))) },
      { name: "holders", type: "rows", rows: [{ name: "post", type: "choice", needed: true, options: () => posts(site) }, { name: "person", type: "choice", needed: true, options: people }] }],
  };
}

/** Below whom a department stands, and how deep; one whose parents go round stands at the top. */
export function depth(one: { id: string; parent?: string }, all: { id: string; parent?: string }[]): number {
  let level = 0;
  for (let at = all.find(other => other.id === one.parent); at && level < all.length; at = all.find(other => other.id === at!.parent)) level++;
  return level < all.length ? level : 0;
}
function tree(all: Department[], parent = "", left = new Set(all)): Department[] {
  const here = [...left].filter(one => (one.parent ?? "") === parent || (parent === "" && !all.some(other => other.id === one.parent)));
  for (const one of here) left.delete(one);
  const list = here.flatMap(one => [one, ...tree(all, one.id, left)]);
  return parent === "" ? [...list, ...left] : list;
}
