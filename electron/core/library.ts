import { randomBytes } from 'node:crypto';
import { copyFile, mkdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { CallInput, CallOutput, EventValue } from '../../shared/contract.ts';
import { StopbathError } from '../../shared/errors.ts';
import { batchSize } from '../../shared/generation.ts';
import { imageSeed } from '../../shared/infotext.ts';
import type { Picture } from '../../shared/job.ts';
import { isMissing, saveFailure, type FileWriter } from './files.ts';
import { inputIds } from './inputs.ts';
import { cursorOf, indexPictures, newestFirst } from './libraryIndex.ts';
import { encodePicture, placeOf, type PictureDraft } from './pictureFile.ts';

export interface Library {
  /** @throws StopbathError `DISK_FULL` or `FILE_ACCESS`; nothing is left behind, and the draft can be added again. */
  add(draft: PictureDraft): Promise<Picture>;
  list(page: CallInput<'library.list'>): Promise<CallOutput<'library.list'>>;
  remove(id: string): Promise<void>;
  restore(id: string): Promise<Picture>;
  /** Whether a picture is still there; true while the library is still being read. */
  has(id: string): boolean;
  /** @throws StopbathError when the library cannot be read. */
  whenRead(): Promise<void>;
  /** The pictures of a run, in the order of its batch. @throws StopbathError when the library cannot be read. */
  ofJob(jobId: string): Promise<Picture[]>;
  /** @throws StopbathError `NOT_FOUND` */
  path(id: string): Promise<string>;
  copyTo(id: string, target: string): Promise<void>;
  /** The input pictures that any picture's request names. @throws StopbathError when the library cannot be read. */
  inputIds(): Promise<Set<string>>;
}

export interface LibraryOptions {
  readonly folder: string;
  readonly version: string;
  readonly write: FileWriter;
  readonly onChange: (change: EventValue<'library'>) => void;
}

export function openLibrary(options: LibraryOptions): Library {
  return new PictureFolder(options);
}

class PictureFolder implements Library {
  readonly #options: LibraryOptions;
  readonly #pictureFolder: string;
  readonly #trashFolder: string;
  readonly #trashed = new Map<string, Picture>();
  readonly #loaded: Promise<void>;
  #pictures: Picture[] = [];
  #lastTime = 0;
  #isLoaded = false;

  constructor(options: LibraryOptions) {
    this.#options = options;
    this.#pictureFolder = join(options.folder, 'pictures');
    this.#trashFolder = join(options.folder, 'trash');
    this.#loaded = this.#load();
    // Reported to whoever asks for the library, not as an unhandled rejection.
    this.#loaded.catch(() => undefined);
  }

  async #load(): Promise<void> {
    await rm(this.#trashFolder, { recursive: true, force: true }).catch(() => undefined);
    try {
      await mkdir(this.#pictureFolder, { recursive: true });
      this.#pictures = await indexPictures(
        this.#pictureFolder,
        join(this.#options.folder, 'library.json'),
        this.#options.write,
      );
    } catch (error) {
      throw saveFailure(error, 'the picture folder');
    }
    this.#isLoaded = true;
  }

  async add(draft: PictureDraft): Promise<Picture> {
    await this.#loaded;
    const createdAt = this.#nextTime();
    const time = createdAt.slice(0, 19).replace('T', '_').replaceAll(':', '-');
    const { request, batchIndex } = draft.facts;
    const number = batchSize(request) > 1 ? `-${batchIndex + 1}` : '';
    const fileName = `${time}_seed-${imageSeed(request, batchIndex)}_${randomBytes(3).toString('hex')}${number}.png`;
    const bytes = await encodePicture(draft, createdAt, this.#options.version);
    try {
      await this.#options.write(join(this.#pictureFolder, fileName), bytes);
    } catch (error) {
      throw saveFailure(error, 'the picture');
    }
    const { width, height } = draft.image;
    return this.#insert({ ...placeOf(fileName), ...draft.facts, createdAt, width, height });
  }

  async list({ before, limit }: CallInput<'library.list'>): Promise<CallOutput<'library.list'>> {
    await this.#loaded;
    const start = before === null ? 0 : this.#firstOlderThan(before);
    const pictures = this.#pictures.slice(start, start + limit);
    const last = pictures.at(-1);
    const more = start + limit < this.#pictures.length;
    return { pictures, next: more && last !== undefined ? cursorOf(last) : null, total: this.#pictures.length };
  }

  async remove(id: string): Promise<void> {
    const picture = await this.#find(id);
    try {
      await mkdir(this.#trashFolder, { recursive: true });
      await rename(join(this.#pictureFolder, picture.fileName), join(this.#trashFolder, picture.fileName));
      this.#trashed.set(id, picture);
    } catch (error) {
      // A file that was deleted outside Stopbath leaves only its place in the list to remove.
      if (!isMissing(error)) throw fileFailure(error, 'The picture could not be removed.');
    }
    this.#pictures = this.#pictures.filter((other) => other.id !== id);
    this.#options.onChange({ kind: 'removed', id });
  }

  async restore(id: string): Promise<Picture> {
    await this.#loaded;
    const picture = this.#trashed.get(id);
    if (picture === undefined) throw notFound(id);
    try {
      await rename(join(this.#trashFolder, picture.fileName), join(this.#pictureFolder, picture.fileName));
    } catch (error) {
      throw fileFailure(error, 'The picture could not be brought back.');
    }
    this.#trashed.delete(id);
    return this.#insert(picture);
  }

  has(id: string): boolean {
    return !this.#isLoaded || this.#pictures.some((picture) => picture.id === id);
  }

  whenRead(): Promise<void> {
    return this.#loaded;
  }

  async ofJob(jobId: string): Promise<Picture[]> {
    await this.#loaded;
    return this.#pictures.filter((picture) => picture.jobId === jobId).sort((a, b) => a.batchIndex - b.batchIndex);
  }

  async path(id: string): Promise<string> {
    return join(this.#pictureFolder, (await this.#find(id)).fileName);
  }

  async copyTo(id: string, target: string): Promise<void> {
    const source = await this.path(id);
    try {
      await copyFile(source, target);
    } catch (error) {
      throw saveFailure(error, 'the copy');
    }
  }

  async inputIds(): Promise<Set<string>> {
    await this.#loaded;
    return new Set(this.#pictures.flatMap(({ request }) => inputIds(request)));
  }

  /** No two pictures of a session have the same time: it is what they are sorted by. */
  #nextTime(): string {
    this.#lastTime = Math.max(Date.now(), this.#lastTime + 1);
    return new Date(this.#lastTime).toISOString();
  }

  async #find(id: string): Promise<Picture> {
    await this.#loaded;
    const picture = this.#pictures.find((other) => other.id === id);
    if (picture === undefined) throw notFound(id);
    return picture;
  }

  #insert(picture: Picture): Picture {
    const at = this.#pictures.findIndex((other) => newestFirst(picture, other) <= 0);
    this.#pictures.splice(at < 0 ? this.#pictures.length : at, 0, picture);
    this.#options.onChange({ kind: 'added', picture });
    return picture;
  }

  #firstOlderThan(cursor: string): number {
    const at = this.#pictures.findIndex((picture) => cursorOf(picture) < cursor);
    return at < 0 ? this.#pictures.length : at;
  }
}

function notFound(id: string): StopbathError {
  return new StopbathError({ code: 'NOT_FOUND', message: `There is no picture ${JSON.stringify(id)}.` });
}

function fileFailure(error: unknown, message: string): StopbathError {
  const detail = error instanceof Error ? error.message : String(error);
  return new StopbathError(
    { code: 'FILE_ACCESS', message, nextStep: 'Look whether the file is still there.', detail },
    { cause: error },
  );
}
