import { createHash } from 'node:crypto';
import { realpath } from 'node:fs/promises';
import { homedir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import type { ModelUse } from '../../../shared/engineProtocol.ts';
import { StopbathError, toFailure } from '../../../shared/errors.ts';
import type { GenerationRequest } from '../../../shared/generation.ts';
import type { DoctorReport, Model, Offer, Placement } from '../../../shared/models.ts';
import type { CheckedInput } from '../../../shared/rpc.ts';
import { sweepUnfinished } from '../../system/unfinishedFolders.ts';
import { createSerial, systemCode } from '../files.ts';
import { createDoctorReports, type DoctorReports } from './doctorReports.ts';
import type { ModelLibrary, ModelLibraryOptions, OwnModelFolder } from './libraryTypes.ts';
import { checkEdit, checkPlacement, inUseFailure } from './listedModel.ts';
import { findAtPath, offerAtPath, type FoundVariant } from './lookAtPath.ts';
import { modelNotFound, type ModelEntry } from './models.ts';
import { createModelRecords, type ModelRecords } from './modelRecords.ts';
import { createModelsFile, type ModelsFile, type StoredModel } from './modelsFile.ts';
import { createModelUpkeep, type ModelUpkeep } from './modelUpkeep.ts';
import { removeOpened } from './openedFolders.ts';
import type { UnreadModel } from './readModel.ts';
import { readStarter } from './starter.ts';
import { readUserPath } from './userPath.ts';

/** Opens the library with what is known from before; downloads that were finished meanwhile come in as they are read. */
export async function openModelLibrary(options: ModelLibraryOptions): Promise<ModelLibrary> {
  const file = createModelsFile(join(options.dataFolder, 'models.json'), options.write, options.onNotice);
  const library = new Library(options, await readStarter(options.starterFolder), file);
  await library.open();
  return library;
}

/** The models by what can be done to them; what is remembered of each is in the records, and the upkeep keeps that true. */
class Library implements ModelLibrary {
  readonly #options: ModelLibraryOptions;
  readonly #starter: ModelEntry;
  readonly #file: ModelsFile;
  /** Where the engine writes folders over checkpoints. */
  readonly #store: string;
  readonly #inTurn = createSerial();
  readonly #records: ModelRecords;
  readonly #upkeep: ModelUpkeep;
  #reports: DoctorReports;
  #closed = false;

  constructor(options: ModelLibraryOptions, starter: ModelEntry, file: ModelsFile) {
    this.#options = options;
    this.#starter = starter;
    this.#file = file;
    this.#store = join(options.dataFolder, 'checkpoints');
    this.#reports = this.#createReports({});
    const tell = (): void => this.#tell();
    this.#records = createModelRecords(tell);
    this.#upkeep = createModelUpkeep({
      records: this.#records,
      engine: options.engine,
      store: this.#store,
      inTurn: this.#inTurn,
      save: () => this.#save(),
      tell,
    });
  }

  async open(): Promise<void> {
    const [{ models, reports }] = await Promise.all([this.#file.read(), sweepUnfinished(this.#store)]);
    for (const model of models) this.#records.set(model);
    this.#reports = this.#createReports(reports);
    // The engine may have to read what was downloaded: nobody waits for it.
    void this.adoptOwn();
    for (const model of models) void this.#upkeep.check(model.id, false).catch(() => undefined);
  }

  list(): Model[] {
    return [this.#starter.model, ...this.#records.all().map((stored) => this.#records.listed(stored))];
  }

  get(id: string): ModelEntry {
    if (id === this.#starter.model.id) return this.#starter;
    const stored = this.#records.of(id);
    const model = this.#records.listed(stored);
    return { model, folder: stored.folder, hash: model.hash };
  }

  async use(request: GenerationRequest): Promise<ModelUse> {
    const { modelId } = request;
    if (modelId !== this.#starter.model.id) await this.#upkeep.check(modelId, true);
    const { model, folder } = this.get(modelId);
    if (model.problem !== null) throw new StopbathError({ ...withoutUndefined(model.problem), field: 'modelId' });
    const { provider, memoryPolicy } = this.#options.settings();
    return { modelFolder: folder, provider, memoryPolicy, ...(await this.#options.adapters(request, model)) };
  }

  async refresh(): Promise<Model[]> {
    await Promise.all(this.#records.all().map(({ id }) => this.#upkeep.check(id, false)));
    return this.list();
  }

  async look(at: string): Promise<Offer> {
    const path = this.#readPath(at);
    return await offerAtPath(path, await findAtPath(path), this.#options.dataFolder);
  }

  async addPath(at: string, variant: string, placement?: Placement): Promise<string> {
    const path = this.#readPath(at);
    const found = (await findAtPath(path)).variants.find(({ id }) => id === variant);
    if (found === undefined) {
      throw new StopbathError({ code: 'INVALID_INPUT', message: `${path} has no ${variant} any more.`, nextStep: 'Look at it again.', field: 'at' });
    }
    checkPlacement(found.origin, { placement });
    // A link, and what it leads to, are one model.
    const real = await realpath(found.path);
    const known = this.#records.all().find((stored) => stored.path === real && stored.origin === found.origin);
    if (known !== undefined) {
      if (placement !== undefined && placement !== (known.edits.placement ?? 'link')) await this.edit({ id: known.id, placement });
      else await this.#upkeep.check(known.id, true);
      return known.id;
    }
    const id = `local-${createHash('sha256').update(`${found.origin} ${real}`).digest('hex').slice(0, 16)}`;
    return await this.#add({ id, path: real, origin: found.origin, name: nameOf(found), own: null, edits: withoutUndefined({ placement }) });
  }

  async addOwn(folder: string): Promise<string> {
    const own = (await this.#options.own.list()).find((model) => model.folder === folder);
    if (own === undefined) throw modelNotFound(basename(folder));
    return await this.#takeOwn(own);
  }

  async edit({ id, ...change }: CheckedInput<'models.edit'>): Promise<Model> {
    return await this.#inTurn(async () => {
      const { model } = this.get(id);
      checkEdit(model, change);
      const stored = this.#records.of(id);
      checkPlacement(stored.origin, change);
      // The folder of before is deleted.
      if (change.placement !== undefined && this.#options.isInUse(id)) throw inUseFailure(model);
      const edits = { ...stored.edits, ...withoutUndefined(change) };
      const isName = Object.keys(withoutUndefined(change)).every((field) => field === 'name');
      await (isName ? this.#upkeep.put({ ...stored, edits }) : this.#upkeep.read({ ...stored, edits }));
      const now = this.#records.of(id);
      if (dirname(now.folder) !== dirname(stored.folder)) void this.#leave(stored);
      return this.#records.listed(now);
    });
  }

  /** Deletes the folder a model had before, which an examination may be reading; and so may a run that began while the weights were copied. */
  async #leave(stored: StoredModel): Promise<void> {
    await this.#reports.settled(stored.id);
    if (!this.#options.isInUse(stored.id)) await removeOpened(stored).catch(() => undefined);
  }

  async remove(id: string): Promise<number> {
    return await this.#inTurn(async () => {
      const { model } = this.get(id);
      if (model.builtIn) {
        throw new StopbathError({ code: 'INVALID_INPUT', message: `${model.name} is built in and cannot be removed.` });
      }
      if (this.#options.isInUse(id)) throw inUseFailure(model);
      const stored = this.#records.of(id);
      this.#upkeep.forget(id);
      let freed = await removeOpened(stored);
      if (stored.own !== null) freed += await this.#options.own.remove(stored.own.folder).catch(missingIsNothing);
      this.#records.delete(id);
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
      if (id !== this.#starter.model.id) await this.#upkeep.check(id, true);
      const { model, folder } = this.get(id);
      if (model.problem !== null) throw new StopbathError(withoutUndefined(model.problem));
      return { folder, provider: this.#options.settings().provider };
    });
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#upkeep.close();
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
      if (this.#records.find(basename(own.folder)) === undefined) await this.#takeOwn(own).catch((error: unknown) => this.#options.onNotice(toFailure(error)));
    }
  }

  async #takeOwn({ folder, repo, revision, title, variant, origin, files }: OwnModelFolder): Promise<string> {
    const id = basename(folder);
    if (this.#records.find(id) !== undefined) return id;
    const single = origin === 'checkpoint' ? files.find((file) => /\.safetensors$/i.test(file)) : undefined;
    const isTaken = this.list().some(({ name }) => name === title);
    const name = isTaken ? `${title} (${variant})` : title;
    return await this.#add({ id, path: single === undefined ? folder : join(folder, single), origin, name, own: { folder, repo, revision }, edits: {} });
  }

  async #add(fresh: Pick<StoredModel, 'id' | 'path' | 'origin' | 'name' | 'own' | 'edits'>): Promise<string> {
    const { id } = fresh;
    await this.#inTurn(async () => {
      if (this.#records.find(id) !== undefined) return;
      const unread: UnreadModel = { ...fresh, hash: null, addedAt: Date.now() };
      await (fresh.own === null ? this.#upkeep.read(unread) : this.#upkeep.readOrNote(unread));
    });
    // What it finds is a report, not a reason to refuse the model.
    void this.doctor(id, true).catch(() => undefined);
    return id;
  }

  #readPath(at: string): string {
    return readUserPath(at, this.#options.surroundings ?? { home: homedir(), platform: process.platform });
  }

  async #save(): Promise<void> {
    await this.#file.save(() => ({ models: this.#records.all(), reports: this.#reports.all() }));
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
