import type { Settings } from '../../../shared/contract.ts';
import type { ModelUse } from '../../../shared/engineProtocol.ts';
import type { Failure } from '../../../shared/errors.ts';
import type { GenerationRequest } from '../../../shared/generation.ts';
import type { DoctorReport, Model, Offer, Placement } from '../../../shared/models.ts';
import type { CheckedInput } from '../../../shared/rpc.ts';
import type { EngineHost } from '../engineTask.ts';
import type { FileWriter } from '../files.ts';
import type { Models } from './models.ts';
import type { StoredModel } from './modelsFile.ts';
import type { PathSurroundings } from './userPath.ts';

/** A finished download, as the store of downloads knows it. */
export interface OwnModelFolder {
  /** Absolute; its name is the model's id. */
  readonly folder: string;
  readonly repo: string;
  readonly revision: string;
  readonly title: string;
  readonly variant: string;
  readonly origin: StoredModel['origin'];
  /** Paths in the folder. */
  readonly files: readonly string[];
}

/** The downloads, as far as the library is concerned. */
export interface OwnModels {
  list(): Promise<OwnModelFolder[]>;
  /** @returns bytes that the disk got back */
  remove(folder: string): Promise<number>;
}

export interface ModelLibraryOptions {
  readonly starterFolder: string;
  /** `models.json` and the folders written over checkpoints are here. */
  readonly dataFolder: string;
  readonly write: FileWriter;
  readonly engine: Pick<EngineHost, 'openCheckpoint' | 'examine' | 'status'>;
  readonly settings: () => Settings;
  readonly own: OwnModels;
  /** The files of the LoRAs and embeddings a request names. @throws StopbathError `INVALID_INPUT` */
  readonly adapters: (request: GenerationRequest, model: Model) => Promise<Pick<ModelUse, 'loras' | 'embeddings'>>;
  /** A run uses it or waits for it. */
  readonly isInUse: (modelId: string) => boolean;
  readonly onChange: (models: Model[]) => void;
  readonly onReport: (report: DoctorReport) => void;
  readonly onNotice: (failure: Failure) => void;
  readonly surroundings?: PathSurroundings;
}

/** The models there are: the built-in one, downloads, and folders and files where they lie. Nothing is copied, but where a person wants it. */
export interface ModelLibrary extends Models {
  /** The list after a look whether everything is still where it was. */
  refresh(): Promise<Model[]>;
  /** What of a path can be taken. @throws StopbathError saying what lies there instead. */
  look(at: string): Promise<Offer>;
  /**
   * @param placement of a checkpoint's weights; left out: `link`, or as it is for a model that is there already
   * @returns the model's id; of one that is there already, its own. @throws StopbathError as {@link look}, and what its reader says: `NO_PLACE`
   *   where there is no place for links, `DISK_FULL` where there is no room for a copy.
   */
  addPath(at: string, variant: string, placement?: Placement): Promise<string>;
  /** A download has finished. */
  addOwn(folder: string): Promise<string>;
  /** Takes in every finished download that is not known yet. */
  adoptOwn(): Promise<void>;
  edit(change: CheckedInput<'models.edit'>): Promise<Model>;
  /** @returns bytes that the disk got back. @throws StopbathError `INVALID_INPUT` while a run uses it. */
  remove(id: string): Promise<number>;
  /** The last report, or a new one. */
  doctor(id: string, again: boolean): Promise<DoctorReport | null>;
  close(): Promise<void>;
}
