// The organisation and the policies: names for ids, and what the policy says a case has.
import { defineStore } from "pinia";
import { computed, ref } from "vue";
import { get } from "../api/http";
import { session } from "../api/session";
import type { Calendar, CaseRow, FieldDef, Kind, Organisation, Policy, Site, SitePolicy } from "../api/types";
import { said, type Language } from "../i18n";
import { officeCalendar } from "../lib/time";

const SITE = "hearback.site";

export const useDirectory = defineStore("directory", () => {
  const organisation = ref<Organisation>({});
  const policies = ref(new Map<string, Policy>());
  const inForce = ref<SitePolicy[]>([]);
  const chosen = ref(sessionStorage.getItem(SITE) ?? "");
  const loaded = ref(false);

  const allSites = computed<Site[]>(() => organisation.value.sites ?? []);
  /** Those that can be worked at: a policy is in force. */
  const sites = computed<Site[]>(() => {
    const may = new Set(inForce.value.map(one => one.site));
    return allSites.value.filter(site => may.has(site.id));
  });
  const site = computed(() => sites.value.find(one => one.id === chosen.value) ?? (sites.value.length === 1 ? sites.value[0] : undefined));

  async function load(): Promise<void> {
    const [all, policy] = await Promise.all([get<Organisation>("/organisation"), get<{ policies?: SitePolicy[] }>("/policies")]);
    organisation.value = all;
    inForce.value = (policy.policies ?? []).filter(one => one.version); // of a site whose first one is still to come nothing can be shown
    if (site.value?.id !== chosen.value) choose(site.value?.id ?? sites.value.find(one => mine(one.id))?.id ?? sites.value[0]?.id ?? "");
    loaded.value = true;
  }

  function mine(id: string): boolean {
    return session.posts.some(post => post.site === id);
  }

  function choose(id: string): void {
    chosen.value = id;
    sessionStorage.setItem(SITE, id);
  }

  function forget(): void {
    organisation.value = {};
    inForce.value = [];
    policies.value = new Map();
    loaded.value = false;
  }

  /** Of a version for good; version 0: the one in force now. */
  async function need(at: string, version = 0): Promise<Policy> {
    const wanted = version || inForce.value.find(one => one.site === at)?.version || 0;
    const key = `${at}/${wanted}`, known = policies.value.get(key);
    if (known) return known;
    const policy = await get<Policy>(`/policies/${encodeURIComponent(at)}`, { version: wanted || undefined });
    policies.value.set(key, policy);
    return policy;
  }

  /** What has been asked for before: the one in force unless a version is named. */
  function policy(at: string, version = 0): Policy | undefined {
    return policies.value.get(`${at}/${version || inForce.value.find(one => one.site === at)?.version || 0}`);
  }

  const names = computed(() => new Map((organisation.value.people ?? []).map(one => [one.id, one.name])));
  const departments = computed(() => new Map((organisation.value.departments ?? []).map(one => [`${one.site}/${one.id}`, one])));

  function person(id: string | undefined): string { return id ? names.value.get(id) ?? id : ""; }
  function department(at: string, id: string | undefined, language?: Language): string { return id ? said(departments.value.get(`${at}/${id}`)?.name, id, language) : ""; }
  /** Who may be either: the first contact of a case that came to no person is the department. */
  function owner(at: string, id: string | undefined): string { return names.value.get(id ?? "") ?? department(at, id); }
  function departmentsOf(at: string) { return (organisation.value.departments ?? []).filter(one => one.site === at); }
  function peopleOf(at: string) { return (organisation.value.people ?? []).filter(one => one.posts?.some(post => post.site === at)); }
  const register = computed(() => new Map((organisation.value.things ?? []).map(one => [`${one.site}/${one.id}`, one])));
  function thing(at: string, id: string) { return register.value.get(`${at}/${id}`); }
  /** Of one register, or of all. */
  function thingsOf(at: string, of?: string) { return (organisation.value.things ?? []).filter(one => one.site === at && (!of || one.of === of)); }
  function siteName(id: string): string { return said(organisation.value.sites?.find(one => one.id === id)?.name, id); }
  function zone(id: string): string { return organisation.value.sites?.find(one => one.id === id)?.zone ?? "UTC"; }
  function kind(at: string, name: string, version = 0): Kind | undefined { return policy(at, version)?.kinds?.find(one => one.name === name); }
  function kindName(at: string, name: string, version = 0): string { return said(kind(at, name, version)?.label, name); }
  function stageName(at: string, of: string, name: string, version = 0): string { return said(kind(at, of, version)?.stages?.find(one => one.name === name)?.label, name); }
  function categoryName(at: string, name: string | undefined, version = 0): string { return name ? said(policy(at, version)?.categories?.find(one => one.name === name)?.label, name) : ""; }
  /** Where a kind of the site lists its places. */
  function placeName(at: string, name: string): string {
    for (const one of policy(at)?.kinds ?? []) {
      const choice = one.fields?.find(def => def.name === "place")?.one_of?.find(place => place.name === name);
      if (choice) return said(choice.label, name);
    }
    return name;
  }
  function field(at: string, of: string, name: string, version = 0): FieldDef | undefined { return kind(at, of, version)?.fields?.find(one => one.name === name); }
  function clause(at: string, id: string, version = 0): string { return said(policy(at, version)?.clauses?.find(one => one.id === id)?.label, ""); }
  function calendar(at: string): Calendar | undefined {
    const inUse = policy(at);
    return inUse && (organisation.value.calendars?.find(one => one.name === inUse.calendar) ?? officeCalendar(zone(at)));
  }

  /** What the rows of a list need to be named; those of other cells bear their names. */
  async function needFor(rows: CaseRow[]): Promise<void> {
    await Promise.all([...new Set(rows.filter(row => !row.cell).map(row => row.site))].map(at => need(at)));
  }

  /** The departments I work in at a site. */
  function myDepartments(at: string): string[] {
    const posts = session.posts.length ? session.posts : organisation.value.people?.find(one => one.id === session.person)?.posts ?? [];
    return [...new Set(posts.filter(post => post.site === at && post.department).map(post => post.department!))];
  }

  return { organisation, loaded, allSites, sites, site, chosen, load, choose, forget, need, needFor, policy, person, department, owner, departmentsOf, peopleOf, thing, thingsOf, siteName, zone, kind, kindName, stageName, categoryName, placeName, field, clause, calendar, myDepartments, inForce };
});
