// Single keys of the screen that is shown.
import { onBeforeUnmount, onMounted } from "vue";

type Done = (event: KeyboardEvent) => void;
export const shortcuts = new Map<string, Done>();

export function useKeys(keys: Record<string, Done>): void {
  onMounted(() => { for (const [key, done] of Object.entries(keys)) shortcuts.set(key, done); });
  onBeforeUnmount(() => { for (const key of Object.keys(keys)) shortcuts.delete(key); });
}
