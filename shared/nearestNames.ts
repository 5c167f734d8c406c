/** A name that is longer is not compared to its end. */
const longest = 60;

/** Single signs to insert, delete or change (Wagner and Fischer 1974). */
export function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const change = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(change, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}

/** The names a person may have meant, nearest first: part of one another, or few signs apart. */
export function nearestNames(name: string, names: Iterable<string>, most = 3): string[] {
  const wanted = fold(name);
  const scored: { readonly other: string; readonly score: number }[] = [];
  for (const other of names) {
    const folded = fold(other);
    const isPart = wanted.length > 2 && (folded.includes(wanted) || wanted.includes(folded));
    const score = isPart ? Math.abs(folded.length - wanted.length) / 1000 : editDistance(wanted, folded) / Math.max(wanted.length, folded.length, 1);
    if (score <= 0.5) scored.push({ other, score });
  }
  return scored
    .sort((a, b) => a.score - b.score)
    .slice(0, most)
    .map(({ other }) => other);
}

/** People leave out capitals, blanks and dashes. */
function fold(name: string): string {
  return name.toLowerCase().replace(/[\s_.-]+/g, '').slice(0, longest);
}
