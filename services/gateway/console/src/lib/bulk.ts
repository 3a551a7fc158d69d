// One step for several cases: read anew, looked at beforehand, then taken one by one, each for the version that was read.
import { reactive, ref } from "vue";
import { ask, newKey, Problem, type FieldProblem } from "../api/http";
import type { Allowed, CaseFile, CaseRow } from "../api/types";

export type State = "ready" | "refused" | "done" | "failed" | "going";
export interface One { row: CaseRow; file?: CaseFile; etag: string; key: string; state: State; stage: string; why: FieldProblem[]; problem?: Problem }

export function allowedOf(one: One, step: string): Allowed | undefined {
  return one.file?.allowed?.find(allowed => allowed.step === step);
}

export function useBulk() {
  const all = ref<One[]>([]), read = ref(0), error = ref<unknown>(), working = ref(false), worked = ref(0), stopped = ref(false);
  let mine = 0;

  async function load(rows: CaseRow[]): Promise<void> {
    const me = ++mine;
    read.value = worked.value = 0;
    error.value = undefined;
    all.value = rows.map(row => reactive<One>({ row, etag: "", key: "", state: "going", stage: "", why: [] }));
    for (const one of all.value) {
      try {
        const { data, etag } = await ask<CaseFile>("GET", `/cases/${one.row.case_id}`);
        if (me !== mine) return;
        Object.assign(one, { file: data, etag, state: "ready" });
      } catch (fault) {
        if (!(fault instanceof Problem)) throw fault;
        if (fault.code === "unreachable") { error.value = fault; return; }
        Object.assign(one, { problem: fault, state: "failed" });
      }
      read.value++;
    }
  }

  /** What would be refused, and why: what bars the step now. */
  function preview(step: string): void {
    for (const one of all.value) {
      const allowed = allowedOf(one, step);
      if (one.state === "done" || !one.file) continue;
      one.why = allowed?.blocked ?? [];
      one.problem = undefined;
      one.key = newKey();
      one.state = allowed && !one.why.length ? "ready" : "refused";
    }
  }

  /** Those that are ready, in order; whoever was faster keeps what he wrote. */
  async function carryOut(step: string, body: unknown): Promise<void> {
    working.value = true;
    stopped.value = false;
    worked.value = 0;
    for (const one of all.value) {
      if (one.state !== "ready") continue;
      if (stopped.value) break;
      one.state = "going";
      try {
        const { data } = await ask<{ stage: string }>("POST", `/cases/${one.row.case_id}/actions/${encodeURIComponent(step)}`, { body, ifMatch: one.etag, key: one.key });
        Object.assign(one, { state: "done", stage: data.stage });
      } catch (fault) {
        if (!(fault instanceof Problem)) { working.value = false; throw fault; }
        Object.assign(one, { state: "failed", problem: fault });
      }
      worked.value++;
    }
    working.value = false;
  }

  function stop(): void { stopped.value = true; }
  return { all, read, error, working, worked, load, preview, carryOut, stop };
}
