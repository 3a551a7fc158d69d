// A page of the server in a window of its own. A session's cookie goes with a link; a token does not, so the page is fetched and shown there.
import { address, send } from "../api/http";
import { session } from "../api/session";

export async function openPage(path: string, query: Record<string, string | undefined>): Promise<void> {
  if (!session.byToken) { window.open(address(path, query), "_blank", "noopener"); return; }
  const page = window.open("", "_blank");
  const text = await (await send("GET", path, { query, accept: "text/html" })).text();
  const parsed = new DOMParser().parseFromString(text, "text/html");
  page?.document.replaceChild(page.document.importNode(parsed.documentElement, true), page.document.documentElement);
}
