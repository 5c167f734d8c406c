import { createHash } from 'node:crypto';
import { realpath } from 'node:fs/promises';
import { homedir } from 'node:os';
import { basename, join } from 'node:path';
import type { ModelUse } from '../../../shared/engineProtocol.ts';
import { StopbathError, toFailure, type Failure } from '../../../shared/errors.ts';
import type { GenerationRequest } from '../../../shared/generation.ts';
import type { DoctorReport, Model, Offer } from '../../../shared/models.ts';
import type { CheckedInput } from '../../../shared/rpc.ts';
import { createSerial, systemCode } from '../files.ts';
import { createDoctorReports, type DoctorReports } from './doctorReports.ts';
import { createHasher } from './hasher.ts';
import type { ModelLibrary, ModelLibraryOptions, OwnModelFolder } from './libraryTypes.ts';
import { checkEdit, listedModel } from './listedModel.ts';
import { findAtPath, offerAtPath, type FoundVariant } from './lookAtPath.ts';
import { modelNotFound, type ModelEntry } from './models.ts';
import { createModelsFile, type StoredModel } from './modelsFile.ts';
import { removeOpened } from './openedFolders.ts';
import { goneFailure, isUpToDate, readModel, unreadModel, type UnreadModel } from './readModel.ts';
import { readStarter } from './starter.ts';
import { readUserPath } from './userPath.ts';
import { hashFiles, stampOf, weightFiles } from './weights.ts';

/** Opens the library with what is known from before; downloads that were finished meanwhile come in as they are read. */
export async function openModelLibrary(options: ModelLibraryOptions): Promise<ModelLibrary> {
  const file = createModelsFile(join(options.dataFolder, 'models.json'), options.write, options.onNotice);
  const library = new Library(options, await readStarter(options.starterFolder), file);
  await library.open();
  return library;
}

/** The one file that holds the entries together: adding, editing, checking and removing change the same record in turn. */
class Library implements ModelLibrary {
  readonly #options: ModelLibraryOptions;
  readonly #starter: ModelEntry;
  readonly #file: ReturnType<typeof createModelsFile>;
  readonly #stored = new Map<string, StoredModel>();
  readonly #problems = new Map<string, Failure>();
  readonly #hasher = createHasher();
  readonly #inTurn = createSerial();
  readonly #reading = new Map<string, Promise<void>>();
  /** Stamps of files that could not be read: a list does not try again before they change. */
  readonly #unreadable = new Map<string, string>();
  #reports: DoctorReports;
  #closed = false;

  constructor(options: ModelLibraryOptions, starter: ModelEntry, file: ReturnType<typeof createModelsFile>) {
    this.#options = options;
    this.#starter = starter;
    this.#file = file;
    this.#reports = this.#createReports({});
  }

  async open(): Promise<void> {
    const { models, reports } = await this.#file.read();
    for (const model of models) this.#stored.set(model.id, model);
    this.#reports = this.#createReports(reports);
    // The engine may have to read what was downloaded: nobody waits for it.
    void this.adoptOwn();
    for (const model of models) void this.#check(model.id, false).catch(() => undefined);
  }

  list(): Model[] {
    return [this.#starter.model, ...[...this.#stored.values()].map((stored) => this.#listed(stored))];
  }

  get(id: string): ModelEntry {
    if (id === this.#starter.model.id) return this.#starter;
    const stored = this.#stored.get(id);
    if (stored === undefined) throw modelNotFound(id);
    const model = this.#listed(stored);
    return { model, folder: stored.folder, hash: model.hash };
  }

  async use(request: GenerationRequest): Promise<ModelUse> {
    const { modelId } = request;
    if (modelId !== this.#starter.model.id) await this.#check(modelId, true);
    const { model, folder } = this.get(modelId);
    if (model.problem !== null) throw new StopbathError({ ...withoutUndefined(model.problem), field: 'modelId' });
    const { provider, memoryPolicy } = this.#options.settings();
    return { modelFolder: folder, provider, memoryPolicy, ...(await this.#options.adapters(request, model)) };
  }

  async refresh(): Promise<Model[]> {
    await Promise.all([...this.#stored.keys()].map((id) => this.#check(id, false)));
    return this.list();
  }

  async look(at: string): Promise<Offer> {
    const path = this.#readPath(at);
    return await offerAtPath(path, await findAtPath(path), this.#options.dataFolder);
  }

  async addPath(at: string, variant: string): Promise<string> {
    const path = this.#readPath(at);
    const found = (await findAtPath(path)).variants.find(({ id }) => id === variant);
    if (found === undefined) {
      throw new StopbathError({ code: 'INVALID_INPUT', message: `${path} has no ${variant} any more.`, nextStep: 'Look at it again.', field: 'at' });
    }
    // A link, and what it leads to, are one model.
    const real = await realpath(found.path);
    const known = [...this.#stored.values()].find((stored) => stored.path === real && stored.origin === found.origin);
    if (known !== undefined) {
      await this.#check(known.id, true);
      return known.id;
    }
    const id = `local-${createHash('sha256').update(`${found.origin} ${real}`).digest('hex').slice(0, 16)}`;
    return await this.#add({ id, path: real, origin: found.origin, name: nameOf(found), own: null });
  }

  async addOwn(folder: string): Promise<string> {
    const own = (await this.#options.own.list()).find((model) => model.folder === folder);
    if (own === undefined) throw modelNotFound(basename(folder));
    return await this.#takeOwn(own);
  }

  async edit({ id, ...change }: CheckedInput<'models.edit'>): Promise<Model> {
    return await this.#inTurn(async () => {
      const { model } = this.get(id);
      const stored = this.#stored.get(id);
      checkEdit(model, change);
      if (stored === undefined) throw modelNotFound(id);
      const edits = { ...stored.edits, ...withoutUndefined(change) };
      const isName = Object.keys(withoutUndefined(change)).every((field) => field === 'name');
      await this.#put(isName ? { ...stored, edits } : await this.#readFiles({ ...stored, edits }));
      return this.#listed(this.#storedOf(id));
    });
  }

  async remove(id: string): Promise<number> {
    return await this.#inTurn(async () => {
      const { model } = this.get(id);
      if (model.builtIn) {
        throw new StopbathError({ code: 'INVALID_INPUT', message: `${model.name} is built in and cannot be removed.` });
      }
      if (this.#options.isInUse(id)) {
        throw new StopbathError({
          code: 'INVALID_INPUT',
          message: `A run uses ${model.name}, or waits for it.`,
          nextStep: 'Wait until its runs have ended, or take them out of the queue.',
        });
      }
      const stored = this.#storedOf(id);
      this.#hasher.cancel(id);
      let freed = await removeOpened(stored);
      if (stored.own !== null) freed += await this.#options.own.remove(stored.own.folder).catch(missingIsNothing);
      this.#stored.delete(id);
      this.#problems.delete(id);
      this.#unreadable.delete(id);
      this.#reports.forget(id);
      await this.#save();
      this.#tell();
      return freed;
    });
  }

  async doctor(id: string, again: boolean): Promise<DoctorReport | null> {
    this.get(id);
    if (!again) return this.#reports.last(id);
    return await this.#reports.examine(id, async () => {
      if (id !== this.#starter.model.id) await this.#check(id, true);
      const { model, folder } = this.get(id);
      if (model.problem !== null) throw new StopbathError(withoutUndefined(model.problem));
      return { folder, provider: this.#options.settings().provider };
    });
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#hasher.close();
    await this.#inTurn(() => Promise.resolve());
  }

  #createReports(known: Readonly<Record<string, DoctorReport>>): DoctorReports {
    return createDoctorReports(this.#options.engine, known, async (report) => {
      // It may have been removed meanwhile.
      this.get(report.modelId);
      this.#options.onReport(report);
      await this.#save();
    });
  }

  async adoptOwn(): Promise<void> {
    for (const own of await this.#options.own.list().catch(() => [])) {
      if (this.#closed) return;
      if (!this.#stored.has(basename(own.folder))) await this.#takeOwn(own).catch((error: unknown) => this.#options.onNotice(toFailure(error)));
    }
  }

  async #takeOwn({ folder, repo, revision, title, variant, origin, files }: OwnModelFolder): Promise<string> {
    const id = basename(folder);
    if (this.#stored.has(id)) return id;
    const single = origin === 'checkpoint' ? files.find((file) => /\.safetensors$/i.test(file)) : undefined;
    const isTaken = this.list().some(({ name }) => name === title);
    const name = isTaken ? `${title} (${variant})` : title;
    return await this.#add({ id, path: single === undefined ? folder : join(folder, single), origin, name, own: { folder, repo, revision } });
  }

  async #add(fresh: Pick<StoredModel, 'id' | 'path' | 'origin' | 'name' | 'own'>): Promise<string> {
    const { id } = fresh;
    await this.#inTurn(async () => {
      if (this.#stored.has(id)) return;
      const unread: UnreadModel = { ...fresh, edits: {}, hash: null, addedAt: Date.now() };
      try {
        await this.#put(await this.#readFiles(unread));
      } catch (error) {
        if (fresh.own === null) throw error;
        // It takes room on the disk: it is there to be seen and removed.
        await this.#put(await unreadModel(unread));
        await this.#noteUnreadable(id, error);
      }
    });
    // What it finds is a report, not a reason to refuse the model.
    void this.doctor(id, true).catch(() => undefined);
    return id;
  }

  #readFiles(unread: UnreadModel): Promise<StoredModel> {
    return readModel(unread, { engine: this.#options.engine, store: join(this.#options.dataFolder, 'checkpoints') });
  }

  /**
   * Looks whether a model is where it was, and what it was. One that has changed is read again.
   * @param isWaited whether the reading is waited for: a run needs it, a list does not
   */
  async #check(id: string, isWaited: boolean): Promise<void> {
    const stored = this.#storedOf(id);
    const state = await isUpToDate(stored).catch((error: unknown) => goneFailure(stored, error));
    if (this.#stored.get(id) !== stored) return;
    if (typeof state !== 'boolean') this.#setProblem(id, state);
    else if (state) {
      this.#unreadable.delete(id);
      this.#setProblem(id, null);
      this.#hash(id);
    } else if (isWaited) await this.#readAgain(id);
    else if (this.#unreadable.get(id) !== (await stampOf(stored.path, stored.origin).catch(() => ''))) void this.#readAgain(id);
  }

  /** Once at a time, however often it is asked for meanwhile. */
  #readAgain(id: string): Promise<void> {
    const going = this.#reading.get(id);
    if (going !== undefined) return going;
    const started = this.#inTurn(() => this.#readNow(id)).finally(() => this.#reading.delete(id));
    this.#reading.set(id, started);
    return started;
  }

  async #readNow(id: string): Promise<void> {
    const stored = this.#stored.get(id);
    if (stored === undefined || this.#closed) return;
    try {
      await this.#put(await this.#readFiles(stored));
      this.#unreadable.delete(id);
    } catch (error) {
      await this.#noteUnreadable(id, error);
    }
  }

  async #noteUnreadable(id: string, error: unknown): Promise<void> {
    const stored = this.#storedOf(id);
    this.#unreadable.set(id, await stampOf(stored.path, stored.origin).catch(() => ''));
    this.#setProblem(id, error instanceof StopbathError ? toFailure(error) : goneFailure(stored, error));
  }

  async #put(stored: StoredModel): Promise<void> {
    this.#stored.set(stored.id, stored);
    this.#problems.delete(stored.id);
    await this.#save();
    this.#tell();
    this.#hash(stored.id);
  }

  #hash(id: string): void {
    const stored = this.#stored.get(id);
    if (stored === undefined || this.#closed || stored.hash?.stamp === stored.stamp) return;
    this.#hasher.add(id, async (signal) => {
      const files = await weightFiles(stored.path, stored.origin);
      if (files.length === 0) return;
      const hash = { stamp: stored.stamp, sha256: await hashFiles(files, signal) };
      const now = this.#stored.get(id);
      if (now?.stamp !== hash.stamp) return;
      this.#stored.set(id, { ...now, hash });
      this.#tell();
      await this.#save();
    });
  }

  #setProblem(id: string, problem: Failure | null): void {
    const before = this.#problems.get(id) ?? null;
    if (problem === null) this.#problems.delete(id);
    else this.#problems.set(id, problem);
    if (before?.message !== problem?.message) this.#tell();
  }

  #storedOf(id: string): StoredModel {
    const stored = this.#stored.get(id);
    if (stored === undefined) throw modelNotFound(id);
    return stored;
  }

  #listed(stored: StoredModel): Model {
    return listedModel(stored, this.#problems.get(stored.id) ?? null);
  }

  #readPath(at: string): string {
    return readUserPath(at, this.#options.surroundings ?? { home: homedir(), platform: process.platform });
  }

  async #save(): Promise<void> {
    await this.#file.save(() => ({ models: [...this.#stored.values()], reports: this.#reports.all() }));
  }

  #tell(): void {
    if (!this.#closed) this.#options.onChange(this.list());
  }
}

function nameOf({ path }: FoundVariant): string {
  return basename(path).replace(/\.safetensors$/i, '');
}

/** Fields that are there: what is optional may be missing, and is never undefined. */
function withoutUndefined<T extends object>(value: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(value).filter(([, field]) => field !== undefined)) as { [K in keyof T]: Exclude<T[K], undefined> };
}

function missingIsNothing(error: unknown): number {
  if (systemCode(error) === 'ENOENT') return 0;
  throw error;
}
