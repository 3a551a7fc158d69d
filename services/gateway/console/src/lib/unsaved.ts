// Forms with something typed: before one is left, whoever typed is asked; and it outlives the end of a session.
import { onBeforeUnmount } from "vue";
import { i18n } from "../i18n";

const forms = new Set<() => boolean>();

/** `typed` says whether there is something that would be lost. Gives what asks before this form alone is closed. */
export function useUnsaved(typed: () => boolean): () => boolean {
  forms.add(typed);
  onBeforeUnmount(() => forms.delete(typed));
  return () => !typed() || sure();
}

function sure(): boolean { return confirm(i18n.global.t("form.leave")); }

export function anyUnsaved(): boolean {
  return [...forms].some(typed => typed());
}

/** True: nothing is lost, or so it is wanted. */
export function mayLeave(): boolean {
  return !anyUnsaved() || sure();
}

/** What was typed is nobody's any more. */
export function forgetUnsaved(): void { forms.clear(); }

addEventListener("beforeunload", event => { if (anyUnsaved()) event.preventDefault(); });
