// Which articles fit what is being typed: looked for in what one sees of them, so nothing is opened for it and nothing asked of the server.

/** Chinese by pairs of characters, other words whole. */
function piecesOf(text: string): Set<string> {
  const pieces = new Set<string>();
  for (const run of text.normalize("NFKC").toLowerCase().match(/\p{Script=Han}+|[\p{L}\p{N}]+/gu) ?? [])
    if (!/\p{Script=Han}/u.test(run)) { if (run.length > 2) pieces.add(run); }
    else for (let i = 0; i + 1 < run.length; i++) pieces.add(run.slice(i, i + 2));
  return pieces;
}

/** Those that have a piece in common with it, the most first. */
export function fitting<T>(typed: string, all: T[], textOf: (one: T) => string): T[] {
  const wanted = piecesOf(typed);
  return all.map(one => ({ one, count: [...piecesOf(textOf(one))].filter(piece => wanted.has(piece)).length }))
    .filter(({ count }) => count > 0).sort((a, b) => b.count - a.count).map(({ one }) => one);
}
