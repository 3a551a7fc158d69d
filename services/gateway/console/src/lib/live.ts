// One follower of changes for all screens, and only while they are looked at: a browser has six connections to a server, for
// all its tabs and for the pages it keeps to go back to.
import { onBeforeUnmount, reactive } from "vue";
import { follow, type Change } from "../api/live";

export const live = reactive({ online: false });
const listeners = new Set<(change: Change | "reset") => void>(), heldListeners = new Set<() => void>();
let stop: (() => void) | undefined, wanted = false;

function tell(change: Change | "reset"): void {
  const held = change !== "reset" && change.what === "held"; // which is no case
  if (!held) listeners.forEach(listener => listener(change));
  if (held || change === "reset") heldListeners.forEach(listener => listener());
}

function begin(): void {
  if (wanted && !document.hidden) stop ??= follow(tell, yes => { live.online = yes; });
}

function end(): void {
  stop?.();
  stop = undefined;
  live.online = false;
}

export function startLive(): void {
  wanted = true;
  begin();
}

export function stopLive(): void {
  wanted = false;
  end();
}

function look(): void {
  if (document.hidden) return end();
  if (wanted && !stop) tell("reset"); // what happened meanwhile
  begin();
}
document.addEventListener("visibilitychange", look);
addEventListener("pagehide", end);
addEventListener("pageshow", event => { if (event.persisted) look(); });

export const FIGURES_LIVE_MS = 3000; // figures are some twenty questions, and nobody reads them by the second

/** Reads anew as things change, many changes at once together, for as long as the component is there. */
export function useLive(again: () => void, waitMs: number): void {
  let timer = 0;
  const stop = onChange(() => { timer ||= window.setTimeout(() => { timer = 0; again(); }, waitMs); });
  onBeforeUnmount(() => { stop(); clearTimeout(timer); });
}

/** Tells that other submissions are held than before, until the returned function is called. */
export function onHeld(listener: () => void): () => void {
  heldListeners.add(listener);
  return () => heldListeners.delete(listener);
}

/** Tells of changes until the returned function is called. */
export function onChange(listener: (change: Change | "reset") => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}
