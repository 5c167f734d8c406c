import { type ElementType, isElementType } from './elementType.ts';
import { broken, quoted } from './refusal.ts';

/** A tensor as the header describes it; nothing has been held against the file yet. */
export interface HeaderEntry {
  readonly name: string;
  readonly type: ElementType;
  readonly shape: readonly number[];
  /** Bytes from the beginning of the data. */
  readonly begin: number;
  readonly end: number;
}

export interface HeaderText {
  readonly entries: readonly HeaderEntry[];
  /** `__metadata__`; values over {@link longestKeptValue} bytes (thumbnails, training logs) are left out. */
  readonly metadata: ReadonlyMap<string, string>;
}

/** A checkpoint with everything in it has some five thousand tensors. */
const mostTensors = 100_000;
const mostMetadata = 10_000;
const mostSides = 8;
/** Bytes. */
const longestName = 1024;
const longestKeptValue = 65_536;

const code = (sign: string): number => sign.charCodeAt(0);
const [quote, backslash, open, close, openList, closeList, colon, comma, minus, zero, nine] = [
  '"', '\\', '{', '}', '[', ']', ':', ',', '-', '0', '9',
].map(code) as [number, number, number, number, number, number, number, number, number, number, number];
const spaces: ReadonlySet<number> = new Set([' ', '\t', '\n', '\r'].map(code));

/**
 * Reads a safetensors header and nothing else: JSON of that one shape, from left to right. JSON.parse would let the last of two
 * equal names win, round large numbers and build whatever nesting a file has.
 * @param bytes the header without its length
 * @throws StopbathError `MODEL_BAD` saying what is wrong at which byte.
 */
export function parseHeader(bytes: Buffer): HeaderText {
  const reader = new Reader(bytes);
  const entries: HeaderEntry[] = [];
  const names = new Set<string>();
  const metadata = new Map<string, string>();
  reader.object('the header', (name) => {
    if (names.has(name)) throw broken(`The header names ${quoted(name)} twice.`);
    names.add(name);
    if (name === '__metadata__') {
      readMetadata(reader, metadata);
      return;
    }
    if (entries.length === mostTensors) throw broken(`The header lists more than ${mostTensors} tensors.`);
    entries.push(readEntry(reader, name));
  });
  reader.end();
  return { entries, metadata };
}

function readMetadata(reader: Reader, metadata: Map<string, string>): void {
  const seen = new Set<string>();
  reader.object('__metadata__', (key) => {
    if (seen.has(key)) throw broken(`__metadata__ names ${quoted(key)} twice.`);
    if (seen.size === mostMetadata) throw broken(`__metadata__ has more than ${mostMetadata} entries.`);
    seen.add(key);
    const value = reader.value(`the value of ${quoted(key)} in __metadata__`);
    if (value !== null) metadata.set(key, value);
  });
}

function readEntry(reader: Reader, name: string): HeaderEntry {
  const what = quoted(name);
  let type: ElementType | null = null;
  let shape: readonly number[] | null = null;
  let range: readonly number[] | null = null;
  reader.object(`tensor ${what}`, (key) => {
    switch (key) {
      case 'dtype':
        if (type !== null) throw broken(`Tensor ${what} has "dtype" twice.`);
        type = readType(reader, what);
        break;
      case 'shape':
        if (shape !== null) throw broken(`Tensor ${what} has "shape" twice.`);
        shape = reader.integers(`the shape of ${what}`, mostSides);
        break;
      case 'data_offsets':
        if (range !== null) throw broken(`Tensor ${what} has "data_offsets" twice.`);
        range = reader.integers(`the data_offsets of ${what}`, 2);
        break;
      default:
        throw broken(`Tensor ${what} has ${quoted(key)}, which no safetensors file has.`);
    }
  });
  return complete(name, type, shape, range);
}

function complete(
  name: string,
  type: ElementType | null,
  shape: readonly number[] | null,
  range: readonly number[] | null,
): HeaderEntry {
  const missing = type === null ? 'dtype' : shape === null ? 'shape' : range === null ? 'data_offsets' : null;
  if (type === null || shape === null || range === null) throw broken(`Tensor ${quoted(name)} has no "${missing ?? ''}".`);
  const [begin, end] = range;
  if (begin === undefined || end === undefined) throw broken(`The data_offsets of ${quoted(name)} are not two numbers.`);
  return { name, type, shape, begin, end };
}

function readType(reader: Reader, what: string): ElementType {
  const type = reader.string(`the dtype of ${what}`);
  if (isElementType(type)) return type;
  throw broken(`Tensor ${what} has the unknown dtype ${quoted(type)}.`);
}

class Reader {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  /** @param onKey reads the key's value */
  object(what: string, onKey: (key: string) => void): void {
    this.#expect(open, what, 'an object');
    if (this.#take(close)) return;
    do {
      const key = this.string(`a name in ${what}`);
      this.#expect(colon, what, '":"');
      onKey(key);
    } while (this.#take(comma));
    this.#expect(close, what, '"," or "}"');
  }

  /** A list of whole numbers from 0 to 2^53 - 1. */
  integers(what: string, most: number): readonly number[] {
    this.#expect(openList, what, 'a list');
    const values: number[] = [];
    if (this.#take(closeList)) return values;
    do {
      if (values.length === most) throw broken(`There are more than ${most} numbers in ${what}.`);
      values.push(this.#integer(what));
    } while (this.#take(comma));
    this.#expect(closeList, what, '"," or "]"');
    return values;
  }

  /** A short string. */
  string(what: string): string {
    const text = this.#text(what, longestName);
    if (text === null) throw broken(`There is a string of more than ${longestName} bytes where ${what} stands.`);
    return text;
  }

  /** A string, or null for one that is too long to keep. */
  value(what: string): string | null {
    return this.#text(what, longestKeptValue);
  }

  /** Only padding may follow. */
  end(): void {
    this.#skipSpaces();
    if (this.#at < this.#bytes.length) throw broken(`The header goes on after its end, at byte ${this.#at}.`);
  }

  #text(what: string, longest: number): string | null {
    this.#expect(quote, what, 'a string');
    const begin = this.#at;
    const end = this.#endOfString(what);
    this.#at = end + 1;
    if (end - begin > longest) return null;
    const text = this.#bytes.toString('utf8', begin, end);
    if (!text.includes('\\') && !hasControl(text)) return text;
    try {
      return JSON.parse(`"${text}"`) as string;
    } catch {
      throw broken(`There is no valid string where ${what} stands, at byte ${begin}.`);
    }
  }

  /** Place of the closing quote. */
  #endOfString(what: string): number {
    const bytes = this.#bytes;
    for (let at = this.#at; at < bytes.length; at++) {
      const sign = bytes[at];
      if (sign === quote) return at;
      if (sign === backslash) at++;
    }
    throw broken(`The header ends within ${what}.`);
  }

  #integer(what: string): number {
    this.#skipSpaces();
    const begin = this.#at;
    if (this.#bytes[begin] === minus) throw broken(`There is a negative number in ${what}.`);
    let value = 0;
    for (let digit = this.#bytes[this.#at]; digit !== undefined && digit >= zero && digit <= nine; digit = this.#bytes[this.#at]) {
      value = value * 10 + (digit - zero);
      if (!Number.isSafeInteger(value)) throw broken(`There is a number above 2^53 in ${what}.`);
      this.#at++;
    }
    const length = this.#at - begin;
    if (length === 0 || (length > 1 && this.#bytes[begin] === zero)) throw this.#unexpected(what, 'a whole number');
    return value;
  }

  #take(sign: number): boolean {
    this.#skipSpaces();
    if (this.#bytes[this.#at] !== sign) return false;
    this.#at++;
    return true;
  }

  #expect(sign: number, what: string, wanted: string): void {
    if (!this.#take(sign)) throw this.#unexpected(what, wanted);
  }

  #skipSpaces(): void {
    for (let sign = this.#bytes[this.#at]; sign !== undefined && spaces.has(sign); sign = this.#bytes[this.#at]) this.#at++;
  }

  #unexpected(what: string, wanted: string) {
    if (this.#at >= this.#bytes.length) return broken(`The header ends within ${what}.`);
    const sign = this.#bytes.toString('latin1', this.#at, this.#at + 1);
    return broken(`${quoted(sign)} stands at byte ${this.#at} of the header, ${wanted} is expected: ${what} cannot be read.`);
  }
}

function hasControl(text: string): boolean {
  for (let index = 0; index < text.length; index++) if (text.charCodeAt(index) < 32) return true;
  return false;
}
