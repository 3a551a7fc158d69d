// Whose cases a list shows: of the site that is chosen, or at a headquarters those of other cells, too. In the address `cell` is "all", the id of
// a cell, or CELL/SITE. What is one's own (work, approvals, a department) is of this system alone: people of two cells may have one id.
import type { useCells } from "../stores/cells";

const shared = ["near", "late", "sealed", "all"];

/** As it is chosen: "" is the own site; who has none sees all. */
export function scopeName(list: string, cell: unknown, own: string): string {
  return !shared.includes(list) ? "" : typeof cell === "string" && cell ? cell : own ? "" : "all";
}
/** The parameters of the API. A cell is named with its site where it has several. */
export function scopeOf(name: string): { site: string; cell?: string } | undefined {
  if (!name) return undefined;
  const [cell, site = ""] = name === "all" ? [undefined] : name.split("/");
  return { site, cell };
}
/** What there is to choose from; nothing where no other cell is heard. */
export function scopeChoices(list: string, cells: ReturnType<typeof useCells>): { name: string; label: string }[] {
  return !shared.includes(list) ? [] : cells.cells.flatMap(one => {
    const sites = cells.sitesOf(one.cell), label = one.name || one.cell;
    return [{ name: one.cell, label }, ...(sites.length > 1 ? sites.map(site => ({ name: `${one.cell}/${site.site}`, label: `${label} · ${cells.siteName(one.cell, site.site)}` })) : [])];
  });
}
