import { createHash } from 'node:crypto';
import { open, readdir, readFile, rm, stat, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import type { GreyImage, RgbImage, RunInputs } from '../../shared/engineProtocol.ts';
import { StopbathError } from '../../shared/errors.ts';
import { inputImageSchema, type GenerationRequest, type InputImage } from '../../shared/generation.ts';
import { decodeImage, decodeMask } from '../media/decode.ts';
import { encodePng, readPngSize } from '../media/png.ts';
import { createSerial, isMissing, saveFailure, type FileWriter } from './files.ts';

/** The pictures that runs start from: canonical PNG files (8-bit RGB, no texts) named by the SHA-256 of their bytes. */
export interface Inputs {
  /**
   * Takes a PNG file in; transparent parts are laid over white, so a mask has to be opaque.
   * @throws StopbathError `INVALID_INPUT`, or for the disk; nothing is left behind then.
   */
  add(bytes: Uint8Array): Promise<InputImage>;
  /** The stored file, or null for an id that is none of ours. */
  png(id: string): Promise<Uint8Array<ArrayBuffer> | null>;
  /** @throws StopbathError `INVALID_INPUT` for a picture that is not there, or has other sides than the request says. */
  check(request: GenerationRequest): Promise<void>;
  /** What the engine needs for a request; null for text-to-image. @throws as {@link check}. */
  load(request: GenerationRequest): Promise<RunInputs | null>;
  /** Deletes what nothing names and nobody has put in for a week. */
  clean(named: ReadonlySet<string>): Promise<void>;
}

export interface InputsOptions {
  readonly folder: string;
  readonly write: FileWriter;
  /** Milliseconds since 1970; a seam for tests. */
  readonly now?: () => number;
}

/** Largest body of `POST /inputs`: a 12-megapixel photo as PNG is about 30 MiB. */
export const maxInputBody: number = 64 * 1024 * 1024;

const unusedForMs = 7 * 24 * 60 * 60 * 1000;
/** Decoded pictures kept for the next runs: a form is often sent again with the same ones. */
const maxCachedBytes = 256 * 1024 * 1024;

type Field = 'image' | 'mask';

export function createInputs({ folder, write, now = Date.now }: InputsOptions): Inputs {
  const serially = createSerial();
  const cache = createByteCache<RgbImage | GreyImage>(maxCachedBytes);
  const file = (id: string): string => join(folder, `${id}.png`);

  const store = async (bytes: Uint8Array): Promise<InputImage> => {
    const { width, height, rgb } = decodeImage(bytes, 'image');
    const png = await encodePng({ width, height, rgb }, []);
    const id = createHash('sha256').update(png).digest('hex');
    try {
      if (!(await touch(file(id), now()))) await write(file(id), png);
    } catch (error) {
      throw saveFailure(error, 'the picture');
    }
    // Most are run from at once.
    cache.set(`image ${id}`, { width, height, rgb }, rgb.length);
    return { id, width, height };
  };

  const at = async <T>(id: string, read: (path: string) => Promise<T>): Promise<T | null> => {
    // The only way from an id to a path: 64 hexadecimal digits and nothing else.
    if (!inputImageSchema.shape.id.safeParse(id).success) return null;
    try {
      return await read(file(id));
    } catch (error) {
      if (isMissing(error)) return null;
      throw unreadable(error);
    }
  };

  const checkOne = async (input: InputImage, field: Field): Promise<void> => {
    const head = await at(input.id, readHead);
    if (head === null) throw gone(field);
    const size = readPngSize(head);
    if (size?.width === input.width && size.height === input.height) return;
    throw new StopbathError({
      code: 'INVALID_INPUT',
      message: `${field}: the picture is not ${input.width} x ${input.height} pixels.`,
      nextStep: 'Choose the picture again.',
      field,
    });
  };

  const decoded = async <I extends RgbImage | GreyImage>(input: InputImage, field: Field, decode: (bytes: Uint8Array) => I): Promise<I> => {
    const key = `${field} ${input.id}`;
    const known = cache.get(key);
    // A key's field says which of the two kinds of picture it holds.
    if (known !== undefined && known.width === input.width && known.height === input.height) return known as I;
    await checkOne(input, field);
    const bytes = await at(input.id, (path) => readFile(path));
    if (bytes === null || createHash('sha256').update(bytes).digest('hex') !== input.id) throw gone(field);
    const image = decode(bytes);
    cache.set(key, image, image.width * image.height * (field === 'image' ? 3 : 1));
    return image;
  };

  return {
    add: (bytes) => serially(() => store(bytes)),
    png: (id) => at(id, async (path) => new Uint8Array(await readFile(path))),
    check: async ({ image, mask }) => {
      if (image !== null) await checkOne(image, 'image');
      if (mask !== null) await checkOne(mask, 'mask');
    },
    load: async ({ image, mask }) => {
      if (image === null) return null;
      return {
        image: await decoded(image, 'image', (bytes) => {
          const { width, height, rgb } = decodeImage(bytes, 'image');
          return { width, height, rgb };
        }),
        mask:
          mask === null
            ? null
            : await decoded(mask, 'mask', (bytes) => {
                const { width, height, grey } = decodeMask(bytes, 'mask');
                return { width, height, grey };
              }),
      };
    },
    clean: (named) =>
      serially(async () => {
        const names = await readdir(folder).catch((): string[] => []);
        for (const name of names) {
          if (named.has(name.replace(/\.png$/, ''))) continue;
          const path = join(folder, name);
          const age = await stat(path).then(({ mtimeMs }) => now() - mtimeMs, () => 0);
          if (age > unusedForMs) await rm(path, { force: true }).catch(() => undefined);
        }
      }),
  };
}

/** Every input a request names. */
export function inputIds({ image, mask }: Pick<GenerationRequest, 'image' | 'mask'>): string[] {
  return [image, mask].flatMap((input) => (input === null ? [] : [input.id]));
}

/** Signature and IHDR: 8 bytes, and 25 of the first chunk. */
async function readHead(path: string): Promise<Uint8Array> {
  const file = await open(path, 'r');
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(33), 0, 33, 0);
    return buffer.subarray(0, bytesRead);
  } finally {
    await file.close();
  }
}

/** @returns whether it was there; its age then counts from now. */
async function touch(path: string, time: number): Promise<boolean> {
  try {
    await utimes(path, time / 1000, time / 1000);
    return true;
  } catch (error) {
    if (isMissing(error)) return false;
    throw error;
  }
}

function gone(field: Field): StopbathError {
  return new StopbathError({
    code: 'INVALID_INPUT',
    message: field === 'image' ? 'image: the picture is no longer there.' : 'mask: the mask is no longer there.',
    nextStep: field === 'image' ? 'Choose the picture again.' : 'Paint the mask again.',
    field,
  });
}

function unreadable(error: unknown): StopbathError {
  return new StopbathError(
    {
      code: 'FILE_ACCESS',
      message: 'A picture the run starts from could not be read.',
      nextStep: 'Choose the picture again.',
      detail: error instanceof Error ? error.message : String(error),
    },
    { cause: error },
  );
}

interface ByteCache<V> {
  get(key: string): V | undefined;
  set(key: string, value: V, bytes: number): void;
}

/** Keeps what was used last, up to a sum of bytes. */
function createByteCache<V>(maxBytes: number): ByteCache<V> {
  // A Map keeps the order of insertion: the first is what was not used for longest.
  const held = new Map<string, { value: V; bytes: number }>();
  let total = 0;
  const drop = (key: string): void => {
    total -= held.get(key)?.bytes ?? 0;
    held.delete(key);
  };
  return {
    get: (key) => {
      const found = held.get(key);
      if (found === undefined) return undefined;
      held.delete(key);
      held.set(key, found);
      return found.value;
    },
    set: (key, value, bytes) => {
      drop(key);
      held.set(key, { value, bytes });
      total += bytes;
      for (const oldest of held.keys()) {
        if (total <= maxBytes) break;
        drop(oldest);
      }
    },
  };
}
