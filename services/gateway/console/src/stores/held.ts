// How many submissions of the public wait to be looked at, so that none is forgotten: asked as that changes, and each
// minute, since of kinds that the policy hides from some nobody is told as it changes.
import { defineStore } from "pinia";
import { computed, ref } from "vue";
import { get, Problem } from "../api/http";
import { may, session } from "../api/session";
import type { HeldPage } from "../api/types";
import { onHeld } from "../lib/live";
import { useDirectory } from "./directory";

const EVERY_MS = 60_000, DAY_MS = 24 * 3600_000;

export const useHeld = defineStore("held", () => {
  const directory = useDirectory();
  const waiting = ref(0), oldest = ref(""), now = ref(Date.now());
  const old = computed(() => waiting.value > 0 && now.value - Date.parse(oldest.value) > DAY_MS);
  let asked = 0;

  /** A page of them; the answer that was asked for last says how many wait, for one asked before a decision is old. */
  async function ask(query: Record<string, string | number | undefined>): Promise<HeldPage> {
    const mine = ++asked;
    try {
      const page = await get<HeldPage>("/held", query);
      if (mine === asked && query.site === directory.chosen) {
        waiting.value = page.waiting;
        oldest.value = page.oldest_at ?? "";
        now.value = Date.now();
      }
      return page;
    } catch (fault) {
      if (mine === asked) waiting.value = 0; // not for me at this site, or nobody answers: its own page says so
      throw fault;
    }
  }
  async function look(): Promise<void> {
    const site = directory.chosen;
    if (document.hidden || !session.signedIn || !site || !may("submit")) return;
    try {
      await ask({ site, count: "true" });
    } catch (fault) {
      if (!(fault instanceof Problem)) throw fault;
    }
  }
  onHeld(() => void look());
  setInterval(() => void look(), EVERY_MS);
  document.addEventListener("visibilitychange", () => void look());
  return { waiting, old, ask, look };
});
