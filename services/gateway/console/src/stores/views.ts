// Saved views of the chosen site, and how many cases each has for whoever looks: counted anew some time after something changed.
import { defineStore } from "pinia";
import { ref } from "vue";
import { ask, get } from "../api/http";
import type { View } from "../api/types";
import { filterOf, lists } from "../lib/filter";
import { onChange } from "../lib/live";
import { useDirectory } from "./directory";

const QUIET_MS = 2000;

export const useViews = defineStore("views", () => {
  const directory = useDirectory();
  const views = ref<View[]>([]), counts = ref(new Map<string, number>()), error = ref<unknown>(), loaded = ref(false);
  let asked = 0, timer = 0;

  function listOf(view: View): string { return (lists as readonly string[]).includes(view.list ?? "") ? view.list! : "all"; }
  function given(view: View): Record<string, string> { return Object.fromEntries((view.filter ?? []).map(one => [one.name, one.value])); }
  function to(view: View) { return { path: `/${listOf(view)}`, query: { ...given(view), view: view.id } }; }

  /** One after the other: a browser has six connections, and the list that is looked at goes first. */
  async function count(mine: number): Promise<void> {
    for (const view of views.value) {
      await directory.need(view.site).catch(() => undefined); // its calendar: what is near
      const { order: _, ...wanted } = filterOf(listOf(view), given(view), view.site, directory) ?? {};
      try {
        const sum = wanted.site ? Number((await get<{ count: string | number }>("/cases/count", wanted)).count) : 0;
        if (mine !== asked) return;
        counts.value.set(view.id, sum);
      } catch { // no number is better than an old one
        if (mine !== asked) return;
        counts.value.delete(view.id);
      }
    }
  }

  async function load(): Promise<void> {
    const mine = ++asked, site = directory.chosen;
    error.value = undefined;
    try {
      const all = site ? (await get<{ views: View[] }>("/views", { site })).views : [];
      if (mine !== asked) return;
      views.value = all;
      loaded.value = true;
      await count(mine);
    } catch (fault) {
      if (mine === asked) error.value = fault;
    }
  }

  async function keep(view: Partial<View>, id?: string): Promise<View> {
    const kept = (await ask<View>(id ? "PUT" : "POST", id ? `/views/${id}` : "/views", { body: view })).data;
    await load();
    return kept;
  }
  async function drop(id: string): Promise<void> {
    await ask("DELETE", `/views/${id}`);
    await load();
  }
  function forget(): void {
    asked++;
    views.value = [];
    counts.value.clear();
    loaded.value = false;
  }

  onChange(() => { clearTimeout(timer); if (views.value.length) timer = window.setTimeout(() => void count(++asked), QUIET_MS); });
  return { views, counts, error, loaded, to, load, keep, drop, forget };
});
