import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { bitsOf, isElementType } from '../../electron/engine/graph/readers/elementType.ts';
import { readSafetensors, type SafetensorsFile } from '../../electron/engine/graph/readers/safetensors.ts';
import { readSingleFile } from '../../electron/engine/graph/readers/singleFile.ts';
import { StopbathError } from '../../shared/errors.ts';
import { singleTensors } from './fixtures.ts';
import { safetensorsBytes } from './writeSafetensors.ts';

/**
 * Mutates valid headers and gives them to the reader: node e2e/checkpoints/fuzz.ts [SECONDS] [SEED]
 * What it takes must be what JSON.parse reads there and must lie in the file without holes; what it refuses must be refused by a
 * StopbathError; nothing may take a second of the processor or grow. A file that breaks one of these is kept and its path printed.
 */
const seconds = Number(process.argv[2] ?? 600);
let state = Number(process.argv[3] ?? 1) >>> 0;

/** mulberry32 */
function random(below: number): number {
  state = (state + 0x6d2b79f5) >>> 0;
  let x = Math.imul(state ^ (state >>> 15), 1 | state);
  x ^= x + Math.imul(x ^ (x >>> 7), 61 | x);
  return ((x ^ (x >>> 14)) >>> 0) % below;
}

const pick = <Item>(items: readonly Item[]): Item => {
  const item = items[random(items.length)];
  if (item === undefined) throw new Error('nothing to pick from');
  return item;
};

interface Sample {
  readonly header: Buffer;
  readonly data: Buffer;
}

const names = ['w', 'model.diffusion_model.input_blocks.0.0.weight', 'a"b', 'ä\\u0000', '../../etc/passwd', '__metadata__', '', 'C:\\x', '\u{1f600}'];

/** A valid file of a few tensors. */
function valid(): Sample {
  const count = random(6);
  const entries: Record<string, unknown> = {};
  if (random(2) === 0) entries['__metadata__'] = { format: 'pt', 'modelspec.title': 'x'.repeat(random(40)) };
  let at = 0;
  for (let index = 0; index < count; index++) {
    const type = pick(['F32', 'F16', 'BF16', 'I64', 'F8_E4M3', 'U8', 'BOOL', 'F4']);
    const shape = Array.from({ length: random(4) }, () => random(5) * 2);
    const bytes = isElementType(type) ? (shape.reduce((product, side) => product * side, 1) * bitsOf(type)) / 8 : 0;
    if (!Number.isInteger(bytes)) continue;
    const name = `${pick(names)}${index}`;
    entries[name] = { dtype: type, shape, data_offsets: [at, at + bytes] };
    at += bytes;
  }
  return { header: Buffer.from(`${JSON.stringify(entries)}${' '.repeat(random(9))}`), data: Buffer.alloc(at) };
}

/** The header of a real layout without its data: long, and known to what comes after the header. */
const layouts: readonly Buffer[] = (['sd1', 'sd2', 'sdxl', 'sdxl-refiner'] as const).map((variant) => {
  let at = 0;
  const entries = singleTensors(variant).slice(0, 300).map(({ name, type, shape }) => {
    const length = (shape.reduce((product, side) => product * side, 1) * (isElementType(type) ? bitsOf(type) : 8)) / 8;
    const entry = [name, { dtype: type, shape: shape.map(() => 1), data_offsets: [at, at + (length > 0 ? (isElementType(type) ? bitsOf(type) / 8 : 8) : 0)] }] as const;
    at = entry[1].data_offsets[1] ?? at;
    return entry;
  });
  return Buffer.from(JSON.stringify(Object.fromEntries(entries)));
});

const tokens = ['{', '}', '[', ']', '"', ':', ',', '\\', '\\u0000', '\\"', '-', '-1', '0', '00', '1e9', '9007199254740991', '9007199254740992', '18446744073709551615', '1.5', 'null', 'true', '"F32"', '"dtype":"F16",', '"shape":[', '"data_offsets":[0,0]', '"__metadata__":{}', '\u0000', '\n', '\ufeff', '[[[[[[[[', 'x'.repeat(2000)];

function mutated(bytes: Buffer): Buffer {
  const at = random(bytes.length + 1);
  const cut = Math.min(bytes.length, at + 1 + random(12));
  switch (random(8)) {
    case 0:
      return Buffer.concat([bytes.subarray(0, at), Buffer.from([random(256)]), bytes.subarray(at + 1)]);
    case 1:
      return Buffer.concat([bytes.subarray(0, at), Buffer.from(pick(tokens)), bytes.subarray(at)]);
    case 2:
      return Buffer.concat([bytes.subarray(0, at), Buffer.from(pick(tokens)), bytes.subarray(cut)]);
    case 3:
      return Buffer.concat([bytes.subarray(0, at), bytes.subarray(cut)]);
    case 4:
      return Buffer.concat([bytes.subarray(0, cut), bytes.subarray(at)]);
    case 5:
      return Buffer.from(bytes.toString('latin1').replace(/\d+/g, (digits) => (random(6) === 0 ? String(Math.max(0, Number(digits) + pick([-1, 1, 2, 4, 8, 1e15]))) : digits)), 'latin1');
    case 6: {
      const other = random(bytes.length + 1);
      const [from, to] = [Math.min(at, other), Math.max(at, other)];
      return Buffer.concat([bytes.subarray(0, to), bytes.subarray(from, Math.min(to, from + 400)), bytes.subarray(to)]);
    }
    default:
      return bytes.subarray(0, at);
  }
}

/** A file from a valid one: its header, its length or its data changed; now and then left as it is. */
function nextFile(): Buffer {
  const { header, data } = random(8) === 0 ? { header: pick(layouts), data: Buffer.alloc(2000) } : valid();
  let bytes = header;
  for (let count = random(4); count > 0 && bytes.length > 0; count--) bytes = mutated(bytes);
  const file = safetensorsBytes(bytes, random(6) === 0 ? data.subarray(0, random(data.length + 1)) : data);
  if (random(10) === 0) file.writeBigUInt64LE(BigInt(pick([0, 1, 2, 100, 2 ** 31, 2 ** 32, Number.MAX_SAFE_INTEGER, bytes.length + 1, bytes.length + 8, Math.max(0, bytes.length - 1)])), 0);
  if (random(40) === 0) file.writeBigUInt64LE(0xffff_ffff_ffff_ffffn, 0);
  return random(30) === 0 ? file.subarray(0, random(file.length + 1)) : file;
}

/** What is wrong with a file that was taken, or null. */
function takenWrongly(taken: SafetensorsFile, file: Buffer): string | null {
  const length = Number(file.readBigUInt64LE(0));
  const start = 8 + length;
  const parsed = JSON.parse(file.toString('utf8', 8, start)) as Record<string, { dtype: string; shape: number[]; data_offsets: [number, number] }>;
  const read = Object.keys(parsed).filter((name) => name !== '__metadata__');
  if (read.length !== taken.tensors.size) return `${taken.tensors.size} tensors, JSON.parse has ${read.length}`;
  let covered = 0;
  for (const name of read) {
    const [theirs, ours] = [parsed[name], taken.tensors.get(name)];
    if (theirs === undefined || ours === undefined) return `${name} is missing`;
    const [begin, end] = theirs.data_offsets;
    const isSame = ours.type === theirs.dtype && JSON.stringify(ours.shape) === JSON.stringify(theirs.shape) && ours.offset === start + begin && ours.length === end - begin;
    if (!isSame) return `${name} is another`;
    if (ours.offset < start || ours.offset + ours.length > file.length) return `${name} lies outside`;
    if (ours.shape.reduce((product, side) => product * side, 1) * bitsOf(ours.type) !== ours.length * 8) return `${name} has other bytes`;
    covered += ours.length;
  }
  return covered === file.length - start ? null : `${covered} of ${file.length - start} bytes are covered`;
}

async function main(): Promise<void> {
  const place = await mkdtemp(path.join(tmpdir(), 'stopbath-fuzz-'));
  const target = path.join(place, 'x.safetensors');
  const messages = new Map<string, number>();
  const end = performance.now() + seconds * 1000;
  const before = process.memoryUsage().rss;
  let [files, taken, opened, slowest, largest] = [0, 0, 0, 0, 0];
  while (performance.now() < end) {
    const file = nextFile();
    await writeFile(target, file);
    files++;
    const begun = process.cpuUsage();
    let fault: string | null = null;
    try {
      const read = await readSafetensors(target);
      taken++;
      fault = takenWrongly(read, file);
      readSingleFile(read);
      opened++;
    } catch (error) {
      if (!(error instanceof StopbathError)) fault = error instanceof Error ? (error.stack ?? error.message) : String(error);
      else {
        const kind = error.message.replace(/"(?:[^"\\]|\\.)*"/g, '"..."').replace(/\d+/g, 'N');
        messages.set(kind, (messages.get(kind) ?? 0) + 1);
      }
    }
    // Of the processor: others may have the machine meanwhile.
    const { user, system } = process.cpuUsage(begun);
    const took = (user + system) / 1000;
    slowest = Math.max(slowest, took);
    if (files % 2000 === 0) largest = Math.max(largest, process.memoryUsage().rss);
    if (took > 1000) fault ??= `took ${took.toFixed(0)} ms`;
    if (fault === null) continue;
    const kept = path.join(tmpdir(), `stopbath-fuzz-${files}.safetensors`);
    await writeFile(kept, file);
    console.error(`${kept}: ${fault}`);
    process.exitCode = 1;
  }
  await rm(place, { recursive: true, force: true });
  console.log(`${files} files in ${seconds} s: ${taken} headers taken, ${opened} opened as models, ${messages.size} kinds of refusal`);
  console.log(`slowest ${slowest.toFixed(0)} ms; memory ${(before / 1e6).toFixed(0)} -> at most ${(largest / 1e6).toFixed(0)} MB`);
  for (const [kind, count] of [...messages].sort(([, a], [, b]) => b - a).slice(0, 45)) console.log(`${String(count).padStart(8)}  ${kind.slice(0, 150)}`);
}

await main();
