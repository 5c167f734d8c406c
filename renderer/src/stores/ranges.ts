/** Whole numbers as people list them: 1–4, 7, 9–12. */
export function rangesText(numbers: readonly number[]): string {
  const sorted = [...numbers].sort((a, b) => a - b);
  const parts: string[] = [];
  for (let at = 0; at < sorted.length; ) {
    let end = at;
    while (sorted[end + 1] === (sorted[end] ?? 0) + 1) end++;
    parts.push(end === at ? String(sorted[at]) : `${String(sorted[at])}–${String(sorted[end])}`);
    at = end + 1;
  }
  return parts.join(', ');
}
