// A list of cases page by page, with its exact count, kept up to date while it is shown. A list of several sites, or of words that are
// searched for, is counted once all of it is here.
import { onBeforeUnmount, ref, shallowRef } from "vue";
import { get } from "../api/http";
import type { CaseList, CaseRow } from "../api/types";
import { onChange } from "./live";
import { useDirectory } from "../stores/directory";

export type Filter = Record<string, string | number | undefined>;
const PAGE = 50, MOST = 1000;

export function useList(filter: () => Filter | undefined) {
  const directory = useDirectory();
  const rows = shallowRef<CaseRow[]>([]), count = ref<number>(), cursor = ref(""), loading = ref(false), loaded = ref(false), error = ref<unknown>();
  let asked = 0, timer = 0;

  async function load(keep = 0): Promise<void> {
    const wanted = filter(), mine = ++asked;
    if (!wanted) { rows.value = []; count.value = 0; cursor.value = ""; loaded.value = true; return; }
    loading.value = true;
    error.value = undefined;
    try {
      const { order: _, ...counted } = wanted;
      const [page, sum] = await Promise.all([get<CaseList>("/cases", { ...wanted, limit: Math.min(MOST, Math.max(PAGE, keep)) }), wanted.text || !wanted.site ? undefined : get<{ count: string | number }>("/cases/count", counted)]);
      await directory.needFor(page.rows);
      if (mine !== asked) return;
      rows.value = page.rows;
      cursor.value = page.cursor ?? "";
      count.value = sum ? Number(sum.count) : page.cursor ? undefined : page.rows.length;
      loaded.value = true;
    } catch (fault) {
      if (mine === asked) error.value = fault;
    } finally {
      if (mine === asked) loading.value = false;
    }
  }

  async function more(): Promise<void> {
    const wanted = filter(), mine = ++asked;
    if (!wanted || !cursor.value) return;
    loading.value = true;
    try {
      const page = await get<CaseList>("/cases", { ...wanted, limit: PAGE, cursor: cursor.value });
      await directory.needFor(page.rows);
      if (mine !== asked) return;
      rows.value = [...rows.value, ...page.rows];
      cursor.value = page.cursor ?? "";
      if (count.value === undefined && !page.cursor) count.value = rows.value.length;
    } catch (fault) {
      error.value = fault;
    } finally {
      if (mine === asked) loading.value = false;
    }
  }

  // Many changes at once are one reload. A search in texts is recorded: it is not made again by itself.
  const stop = onChange(() => { clearTimeout(timer); if (filter()?.text) return; timer = window.setTimeout(() => void load(rows.value.length), 800); });
  onBeforeUnmount(() => { stop(); clearTimeout(timer); });
  return { rows, count, cursor, loading, loaded, error, load, more };
}
