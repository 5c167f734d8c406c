/** Reads a number as people write it, with a point or a comma; null when it is none. */
export function readNumber(text: string): number | null {
  const normal = text.trim().replace(',', '.');
  return /^-?[0-9]+(\.[0-9]*)?$|^-?\.[0-9]+$/.test(normal) ? Number(normal) : null;
}

/** Of a text that was checked, or that does not act. */
export function readOrZero(text: string): number {
  return readNumber(text) ?? 0;
}

export function readInteger(text: string, min: number, max: number): number | null {
  const value = readNumber(text);
  return value !== null && Number.isInteger(value) && value >= min && value <= max ? value : null;
}

/** Numbers with commas, spaces or line ends between, in brackets or not; null when one of them is none. A comma is no decimal point here. */
export function readNumberList(text: string): readonly number[] | null {
  const parts = text.replace(/^\s*\[|\]\s*$/g, '').split(/[\s,;]+/).filter((part) => part !== '');
  const values = parts.map((part) => readNumber(part));
  return values.every((value) => value !== null) ? values : null;
}

export interface NumberPair {
  readonly first: number;
  readonly second: number;
}

/** Two whole numbers: `1024 x 1024`, `0, 0`. */
export function readPair(text: string): NumberPair | null {
  const match = /^\s*(-?[0-9]{1,6})\s*[x×*,;\s]\s*(-?[0-9]{1,6})\s*$/i.exec(text);
  return match === null ? null : { first: Number(match[1]), second: Number(match[2]) };
}
