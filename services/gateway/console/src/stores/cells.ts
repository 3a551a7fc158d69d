// The cells that this system hears, if it is a headquarters: how far each is heard, and what their sites, kinds and categories are called there.
import { defineStore } from "pinia";
import { computed, ref } from "vue";
import { get } from "../api/http";
import type { Cell, Kpi, SiteFigures } from "../api/types";
import { said } from "../i18n";

const SILENT_MS = 5 * 60_000; // a cell that is heard says so every few seconds, also when nothing happens there

export const useCells = defineStore("cells", () => {
  const cells = ref<Cell[]>([]), figures = ref<Kpi>(), loaded = ref(false), asked = ref(0);
  let asking = 0;

  async function load(): Promise<void> {
    const mine = ++asking, heard = (await get<{ cells?: Cell[] }>("/cells")).cells ?? [];
    const sums = heard.length ? await get<Kpi>("/reports/kpi") : undefined;
    if (mine !== asking) return;
    asked.value = Date.now();
    cells.value = heard;
    figures.value = sums;
    loaded.value = true;
  }
  function forget(): void {
    asking++;
    cells.value = [];
    figures.value = undefined;
    loaded.value = false;
  }

  const sites = computed(() => (figures.value?.sites ?? []).filter(one => one.cell));
  function sitesOf(cell: string): SiteFigures[] { return sites.value.filter(one => one.cell === cell); }
  function siteName(cell: string, site: string): string { return said(sites.value.find(one => one.cell === cell && one.site === site)?.name, site); }
  function find(cell: string): Cell | undefined { return cells.value.find(one => one.cell === cell); }
  /** When it was asked: stopped for good, cut off, or heard. */
  function stateOf(cell: Cell): "stopped" | "silent" | "heard" {
    return cell.problem ? "stopped" : !cell.as_of || asked.value - Date.parse(cell.as_of) > SILENT_MS ? "silent" : "heard";
  }
  return { cells, figures, loaded, load, forget, sitesOf, siteName, find, stateOf };
});
