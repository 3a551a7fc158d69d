// What changes, as it changes: server-sent events, read by fetch because EventSource can bear no headers.
import { send } from "./http";

export interface Change { id: string; case_id?: string; version?: string; site: string; department?: string; what: string; cell?: string }

/** Calls `tell` for each change until stopped; comes back by itself after a break. `reset`: some were missed. */
export function follow(tell: (change: Change | "reset") => void, online: (yes: boolean) => void): () => void {
  const stop = new AbortController();
  let last = "";

  function take(block: string): void {
    let kind = "message", data = "";
    for (const line of block.split("\n")) {
      if (line.startsWith("event:")) kind = line.slice(6).trim();
      if (line.startsWith("id:")) last = line.slice(3).trim();
      if (line.startsWith("data:")) data += line.slice(5).trim();
    }
    if (kind === "reset") tell("reset");
    else if (data && kind !== "ready") tell(JSON.parse(data) as Change);
  }

  async function listen(): Promise<void> {
    const reply = await send("GET", "/events", { signal: stop.signal, accept: "text/event-stream", lastEvent: last });
    const reader = reply.body!.pipeThrough(new TextDecoderStream()).getReader();
    let rest = "";
    online(true);
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      const blocks = (rest + value).split("\n\n");
      rest = blocks.pop() ?? "";
      blocks.forEach(take);
    }
  }

  async function run(): Promise<void> {
    for (let wait = 1000; !stop.signal.aborted; wait = Math.min(wait * 2, 30000)) {
      try {
        await listen();
        wait = 1000;
      } catch {
        if (stop.signal.aborted) return;
      }
      online(false);
      await new Promise(done => setTimeout(done, wait));
    }
  }

  void run();
  return () => stop.abort();
}
