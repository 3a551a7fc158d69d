// Who did and who looked, page by page.
import { ref, shallowRef } from "vue";
import { get } from "../api/http";
import type { AuditEntry, AuditPage } from "../api/types";
import { useDirectory } from "../stores/directory";
import type { Filter } from "./list";

export const whats = ["did", "looked", "refused", "organised", "published", "exported"] as const;
const PAGE = 50;

export function useAudit(filter: () => Filter) {
  const directory = useDirectory();
  const entries = shallowRef<AuditEntry[]>([]), cursor = ref(""), loading = ref(false), loaded = ref(false), error = ref<unknown>();
  let asked = 0;

  async function page(from: string): Promise<void> {
    const mine = ++asked, site = directory.chosen;
    loading.value = true;
    error.value = undefined;
    try {
      const [got] = await Promise.all([get<AuditPage>("/audit", { ...filter(), limit: PAGE, cursor: from }), site ? directory.need(site) : undefined]);
      if (mine !== asked) return;
      entries.value = from ? [...entries.value, ...got.entries] : got.entries;
      cursor.value = got.cursor ?? "";
      loaded.value = true;
    } catch (fault) {
      if (mine === asked) error.value = fault;
    } finally {
      if (mine === asked) loading.value = false;
    }
  }

  return { entries, cursor, loading, loaded, error, load: () => page(""), more: () => page(cursor.value) };
}
