// Single keys of the screen that is shown. Whoever speaks to the browser, or hits keys unawares, switches them off for this browser.
import { onBeforeUnmount, onMounted, ref } from "vue";

type Done = (event: KeyboardEvent) => void;
export const shortcuts = new Map<string, Done>();

const KEPT = "hearback.keys", OFF = "off";
export const singleKeys = ref(localStorage.getItem(KEPT) !== OFF);

export function useSingleKeys(yes: boolean): void {
  singleKeys.value = yes;
  if (yes) localStorage.removeItem(KEPT); else localStorage.setItem(KEPT, OFF);
}

/** What lies behind a dialog hears no key. */
export function behind(): boolean { return document.querySelector("dialog[open]") !== null; }

export function useKeys(keys: Record<string, Done>): void {
  onMounted(() => { for (const [key, done] of Object.entries(keys)) shortcuts.set(key, done); });
  onBeforeUnmount(() => { for (const key of Object.keys(keys)) shortcuts.delete(key); });
}
