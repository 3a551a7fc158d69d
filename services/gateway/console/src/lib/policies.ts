// A policy being worked on: its files, and what the server says of them. Nothing of it is kept: it lives as long as the page.
import { computed, reactive, ref } from "vue";
import { ask, newKey, Problem } from "../api/http";
import type { CaseList, CaseRow, ComingPolicy, PolicyChange, PolicyMistake, PolicyRun, PolicySources, PolicyWarning } from "../api/types";

export interface PolicyFile { path: string; text: string }

/** "PACK/file.yaml" of a file that was chosen alone or with its folder. */
export function pathOf(file: File, pack: string): string {
  const parts = (file.webkitRelativePath || file.name).split("/");
  return parts.length > 1 ? parts.slice(-2).join("/") : `${pack}/${file.name}`;
}

/** `coming`: the policy of the site that takes effect on a later day, as it is shown. */
export function usePolicy(site: () => string, coming: () => ComingPolicy | undefined) {
  const inForce = ref<PolicySources>(), files = ref<PolicyFile[]>([]), scenarios = ref<PolicyFile[]>([]), packs = ref("");
  const busy = ref(""), problem = ref<Problem>(), published = ref<{ version?: number; day?: string; warnings: PolicyWarning[] }>(), from = ref(""), approving = ref<CaseRow[]>([]), byCase = ref("");
  const said = reactive<{ mistakes?: PolicyMistake[]; sound?: boolean; changes?: PolicyChange[]; kept?: boolean; runs?: PolicyRun[]; wrong?: PolicyMistake[] }>({});
  const names = computed(() => packs.value.trim().split(/[\s,，、]+/).filter(Boolean));

  // `edits` counts what was changed, `begun` is what there was when nothing was typed yet.
  // `base` is the version that what is written was made from or compared with: nobody's newer one is put out of force unseen.
  let base = 0;
  let edits = 0, begun = "", sent = { body: "", key: "" };
  function written(): string { return JSON.stringify([names.value, files.value]); }
  function unsaved(): boolean { return files.value.length > 0 && written() !== begun; }

  /** What was said is of what was there then. */
  function touched(): void { edits++; Object.assign(said, { mistakes: undefined, sound: undefined, changes: undefined, kept: undefined, runs: undefined, wrong: undefined }); published.value = undefined; problem.value = undefined; }

  async function run<T>(what: string, how: () => Promise<T>, then: (got: T) => void): Promise<void> {
    const at = site(), mine = edits, current = () => at === site() && (mine === edits || what === "publish"); // what was published is, whatever was typed meanwhile
    busy.value = what;
    problem.value = undefined;
    try {
      const got = await how();
      if (current()) then(got);
    } catch (fault) {
      if (!(fault instanceof Problem)) throw fault;
      if (current()) problem.value = fault;
    } finally {
      busy.value = "";
    }
  }
  const post = async <T>(path: string, more: object = {}, key?: string) => (await ask<T>("POST", path, { body: { site: site(), packs: names.value, sources: files.value, ...more }, key })).data;

  async function load(): Promise<void> {
    const at = site(), got = (await ask<PolicySources>("GET", `/policies/${encodeURIComponent(at)}/sources`)).data;
    if (at !== site()) return;
    inForce.value = got;
    approving.value = got.approved_in ? (await ask<CaseList>("GET", "/cases", { query: { site: at, kind: got.changed_by, stage: got.approved_in } })).data.rows : [];
    byCase.value = approving.value.length === 1 ? approving.value[0]!.case_id : "";
    if (!unsaved()) base = got.version ?? 0;
  }

  /** Begins with the files in force, or with those of the policy that is to come. */
  function begin(of = inForce.value): void {
    files.value = (of?.sources ?? []).map(one => ({ path: one.path, text: one.text ?? "" }));
    packs.value = (of?.packs ?? []).join(" ");
    begun = written();
    base = inForce.value?.version ?? 0;
    touched();
  }
  const beginComing = () => run("begin", async () => (await ask<PolicySources>("GET", `/policies/${encodeURIComponent(site())}/sources`, { query: { coming: "true" } })).data, begin);
  async function withdraw(): Promise<void> {
    await run("withdraw", async () => { await ask("DELETE", `/policies/${encodeURIComponent(site())}/coming`, { key: newKey() }); }, touched);
  }
  function empty(): void {
    files.value = [];
    scenarios.value = [];
    packs.value = "";
    touched();
  }

  async function add(list: File[], pack: string): Promise<void> {
    for (const file of list.filter(one => one.name.endsWith(".yaml"))) {
      const path = pathOf(file, pack), text = await file.text(), known = files.value.find(one => one.path === path);
      if (known) known.text = text;
      else files.value.push({ path, text });
      if (!names.value.length) packs.value = path.split("/")[0]!;
    }
    touched();
  }

  async function addScenarios(list: File[]): Promise<void> {
    for (const file of list.filter(one => one.name.endsWith(".yaml"))) scenarios.value = [...scenarios.value.filter(one => one.path !== file.name), { path: file.name, text: await file.text() }];
    scenariosTouched();
  }
  function dropScenario(one: PolicyFile): void {
    scenarios.value = scenarios.value.filter(other => other !== one);
    scenariosTouched();
  }
  function scenariosTouched(): void { edits++; said.runs = said.wrong = undefined; }

  const check = () => run("check", () => post<{ sound: boolean; mistakes: PolicyMistake[] }>("/policies/check"), got => { said.sound = got.sound; said.mistakes = got.mistakes; });
  const diff = () => run("diff", () => post<{ items: PolicyChange[]; version: number; kept: boolean }>("/policies/diff"), got => {
    said.changes = got.items;
    said.kept = got.kept;
    base = got.version;
    if (base !== inForce.value?.version) void load().catch(() => undefined); // the table above is of before; what was compared is told
  });
  const rehearse = () => run("rehearse", () => post<{ runs: PolicyRun[]; mistakes: PolicyMistake[] }>("/policies/rehearse", { scenarios: scenarios.value }), got => { said.runs = got.runs; said.wrong = got.mistakes; });
  const publish = () => run("publish", async () => {
    const now = written(), when = { base_version: base, from: from.value || undefined, replace: coming() ? true : undefined, case_id: byCase.value || undefined }, body = `${site()} ${JSON.stringify(when)} ${now}`;
    if (sent.body !== body) sent = { body, key: newKey() }; // pressed again after a break it is the same command
    const got = await post<{ policy_version?: number; coming?: ComingPolicy; warnings?: PolicyWarning[] }>("/policies", when, sent.key);
    sent = { body: "", key: "" };
    begun = now;
    base = got.policy_version ?? base;
    return got;
  }, got => { published.value = { version: got.policy_version, day: got.coming?.day, warnings: got.warnings ?? [] }; from.value = ""; });

  return { inForce, files, scenarios, packs, names, busy, problem, published, from, approving, byCase, said, unsaved, touched, load, begin, beginComing, withdraw, empty, add, addScenarios, dropScenario, check, diff, rehearse, publish };
}
