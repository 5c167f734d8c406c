import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import type { AdapterRef, ModelUse } from '../../../shared/engineProtocol.ts';
import { StopbathError, toFailure, type Failure } from '../../../shared/errors.ts';
import type { GenerationRequest } from '../../../shared/generation.ts';
import { promptsOf } from '../../../shared/loraTags.ts';
import { adapterFileSchema, type AdapterFile, type Model } from '../../../shared/models.ts';
import { nearestNames } from '../../../shared/nearestNames.ts';
import type { EngineHost } from '../engineTask.ts';
import type { FileWriter } from '../files.ts';
import { embeddingsCalled, hasWord, lorasNamed, type NamedLora } from './namedInRequest.ts';
import { scanAdapters, type FoundAdapter } from './scan.ts';

export interface AdaptersOptions {
  /** In the order in which they count: of two files with one name the first is meant. */
  readonly folders: () => readonly string[];
  /** Remembers what is in the files. */
  readonly file: string;
  readonly write: FileWriter;
  readonly engine: Pick<EngineHost, 'readAdapter'>;
  readonly onChange: (adapters: AdapterFile[]) => void;
}

/** The LoRAs and embeddings in the folders that are looked through. */
export interface Adapters {
  /** Looks through the folders. What a file is comes behind, as `onChange`, where it has not been read before. */
  list(): Promise<AdapterFile[]>;
  /**
   * The files a request names.
   * @throws StopbathError `INVALID_INPUT` for a name that no file has, with those that come near; for a model that takes none.
   */
  forRequest(request: GenerationRequest, model: Pick<Model, 'name' | 'takesLoras'>): Promise<Pick<ModelUse, 'loras' | 'embeddings'>>;
  close(): Promise<void>;
}

const readSchema = adapterFileSchema.pick({ kind: true, family: true, rank: true, triggers: true, problem: true });
type Read = z.infer<typeof readSchema>;
const rememberedSchema = z.object({ format: z.literal(1), files: z.record(z.string(), z.object({ stamp: z.string(), read: readSchema })) });

/** How long a look through the folders counts for the requests that come right after it. */
const freshMs = 2_000;

export function createAdapters(options: AdaptersOptions): Adapters {
  return new AdapterFolders(options);
}

class AdapterFolders implements Adapters {
  readonly #options: AdaptersOptions;
  #found: readonly FoundAdapter[] = [];
  #foundAt = Number.NEGATIVE_INFINITY;
  #scanning: Promise<void> | null = null;
  /** By path; what is of another stamp counts as unread. */
  #known: Map<string, { readonly stamp: string; readonly read: Read }> | null = null;
  #reading: Promise<void> | null = null;
  #closed = false;

  constructor(options: AdaptersOptions) {
    this.#options = options;
  }

  async list(): Promise<AdapterFile[]> {
    await this.#scan(0);
    void this.#readUnread();
    return this.#listed();
  }

  async forRequest(request: GenerationRequest, model: Pick<Model, 'name' | 'takesLoras'>): Promise<Pick<ModelUse, 'loras' | 'embeddings'>> {
    const named = lorasNamed(request);
    const called = embeddingsCalled(request);
    const [first] = named;
    if (first !== undefined && !model.takesLoras) throw takesNone(first, model);
    await this.#scan(freshMs);
    const files = this.#listed();
    const loras = files.filter(({ kind }) => kind === 'lora');
    const embeddings = files.filter(({ kind, problem }) => kind === 'embedding' && problem === null);
    const texts = promptsOf(request).map(({ text }) => text);
    const words = embeddings.filter(({ name }) => texts.some((text) => hasWord(text, name)));
    return {
      loras: named.map((lora) => refOf(lora, loras, 'LoRA')),
      embeddings: [...new Map([...words.map(ref), ...called.map((name) => refOf(name, embeddings, 'embedding'))].map((one) => [one.file, one])).values()],
    };
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#reading;
  }

  /** One look at a time; one that is younger than `maxAgeMs` will do. */
  async #scan(maxAgeMs: number): Promise<void> {
    if (performance.now() - this.#foundAt < maxAgeMs) return;
    this.#scanning ??= this.#scanNow().finally(() => {
      this.#scanning = null;
    });
    await this.#scanning;
  }

  async #scanNow(): Promise<void> {
    this.#known ??= await readRemembered(this.#options.file);
    this.#found = await scanAdapters(this.#options.folders());
    this.#foundAt = performance.now();
  }

  #listed(): AdapterFile[] {
    const firsts = new Map<string, AdapterFile>();
    return this.#found.map((found) => {
      const file = this.#describe(found);
      const key = `${file.kind} ${file.name}`;
      const first = firsts.get(key);
      if (first === undefined) firsts.set(key, file);
      return first === undefined ? file : { ...file, problem: file.problem ?? sameName(file, first) };
    });
  }

  #describe(found: FoundAdapter): AdapterFile {
    const { name, path, bytes, hint } = found;
    const read = this.#readOf(found);
    // Until its header is read: an embedding is a few vectors, a LoRA some megabytes.
    const kind = read?.kind ?? hint ?? (bytes < 512 * 1024 ? 'embedding' : 'lora');
    const problem = found.isPickle ? pickleProblem(name) : (read?.problem ?? null);
    return { name, kind, path, bytes, family: read?.family ?? null, rank: read?.rank ?? null, triggers: [...(read?.triggers ?? [])], problem };
  }

  #readOf({ path, stamp }: FoundAdapter): Read | null {
    const known = this.#known?.get(path);
    return known?.stamp === stamp ? known.read : null;
  }

  #readUnread(): Promise<void> {
    this.#reading ??= this.#readAll().finally(() => {
      this.#reading = null;
    });
    return this.#reading;
  }

  async #readAll(): Promise<void> {
    let isNew = false;
    for (const found of this.#found) {
      if (this.#closed) return;
      if (found.isPickle || this.#readOf(found) !== null) continue;
      const read = await this.#readOne(found);
      // The engine cannot be asked now; the next list asks again.
      if (read === null) break;
      this.#known?.set(found.path, { stamp: found.stamp, read });
      isNew = true;
    }
    if (!isNew) return;
    await this.#remember();
    this.#options.onChange(this.#listed());
  }

  async #readOne({ path, hint }: FoundAdapter): Promise<Read | null> {
    try {
      return readSchema.parse(await this.#options.engine.readAdapter(path));
    } catch (error) {
      const problem = toFailure(error);
      const isOfFile = error instanceof StopbathError && !['INTERNAL', 'ENGINE_START', 'ENGINE_CRASH'].includes(problem.code);
      return isOfFile ? { kind: hint ?? 'lora', family: null, rank: null, triggers: [], problem: withoutDetail(problem) } : null;
    }
  }

  async #remember(): Promise<void> {
    const paths = new Set(this.#found.map(({ path }) => path));
    const files = Object.fromEntries([...(this.#known ?? [])].filter(([path]) => paths.has(path)));
    // Only a matter of time: what is not remembered is read again.
    await this.#options.write(this.#options.file, JSON.stringify({ format: 1, files })).catch(() => undefined);
  }
}

async function readRemembered(file: string): Promise<Map<string, { stamp: string; read: Read }>> {
  try {
    return new Map(Object.entries(rememberedSchema.parse(JSON.parse(await readFile(file, 'utf8'))).files));
  } catch {
    return new Map();
  }
}

function ref({ name, path }: AdapterFile): AdapterRef {
  return { name, file: path };
}

function refOf({ name, field }: NamedLora, files: readonly AdapterFile[], what: string): AdapterRef {
  const file = files.find((other) => other.name === name);
  if (file === undefined) {
    const near = nearestNames(name, new Set(files.map((other) => other.name)));
    throw new StopbathError({
      code: 'INVALID_INPUT',
      message: `${field}: there is no ${what} ${JSON.stringify(name)} in your folders.`,
      nextStep: near.length > 0 ? `Did you mean ${near.join(', ')}?` : `Put its file into a folder that the settings name, or take it out of the ${field === 'loras' ? 'list' : 'prompt'}.`,
      field,
    });
  }
  if (file.problem !== null && file.problem.code !== 'INVALID_INPUT') throw new StopbathError({ ...withoutDetail(file.problem), field });
  return ref(file);
}

function takesNone({ name, field }: NamedLora, model: Pick<Model, 'name'>): StopbathError {
  return new StopbathError({
    code: 'INVALID_INPUT',
    message: `${field}: ${model.name} takes no LoRAs, and ${JSON.stringify(name)} is one.`,
    nextStep: 'Choose a model of .safetensors files, or take the LoRA out.',
    field,
  });
}

function pickleProblem(name: string): Failure {
  return {
    code: 'UNSAFE_FILE',
    message: `${name} is a pickle, which can run programs when it is opened.`,
    nextStep: 'Look for the same file as .safetensors.',
  };
}

function sameName(file: AdapterFile, first: AdapterFile): Failure {
  return {
    code: 'INVALID_INPUT',
    message: `${first.path} has the same name and is the one that prompts call.`,
    nextStep: `Rename ${file.path} to use it.`,
  };
}

function withoutDetail({ code, message, nextStep }: { code: Failure['code']; message: string; nextStep?: string | undefined }): Failure {
  return { code, message, ...(nextStep === undefined ? {} : { nextStep }) };
}
