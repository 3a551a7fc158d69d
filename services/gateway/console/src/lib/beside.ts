// What is looked up beside a form while it is being filled in: asked a moment after the last key, and only the last answer counts.
import { onBeforeUnmount, ref, shallowRef, watch } from "vue";
import { ask } from "../api/http";
import type { CaseList, CaseRow } from "../api/types";
import { useDirectory } from "../stores/directory";

const AFTER_MS = 350, WORDS_AFTER_MS = 1000; // what looks in texts is counted (too_many_searches)
/** With a body it is a POST: what is being typed is in no address. */
export type Question = { path: string; query: Record<string, string | number | undefined>; body?: Record<string, string | undefined> };

export function useBeside(question: () => Question | undefined) {
  const directory = useDirectory();
  const rows = shallowRef<CaseRow[]>([]), more = ref(false), asked = ref(false), looking = ref(false), error = ref<unknown>();
  let mine = 0, timer = 0;

  async function look(wanted: Question): Promise<void> {
    const me = ++mine;
    looking.value = true;
    try {
      const { data: page } = await ask<CaseList>(wanted.body ? "POST" : "GET", wanted.path, { query: wanted.query, body: wanted.body });
      await directory.needFor(page.rows);
      if (me !== mine) return;
      rows.value = page.rows;
      more.value = Boolean(page.cursor);
      error.value = undefined;
      asked.value = true;
    } catch (fault) {
      if (me === mine) { rows.value = []; error.value = fault; } // a help only: registering goes on without it
    } finally {
      if (me === mine) looking.value = false;
    }
  }

  watch(() => JSON.stringify(question()), () => {
    const wanted = question();
    clearTimeout(timer);
    mine++;
    rows.value = [];
    more.value = asked.value = looking.value = false;
    error.value = undefined;
    if (wanted) timer = window.setTimeout(() => void look(wanted), wanted.body?.text ? WORDS_AFTER_MS : AFTER_MS);
  }, { immediate: true });
  onBeforeUnmount(() => { clearTimeout(timer); mine++; });
  return { rows, more, asked, looking, error };
}
