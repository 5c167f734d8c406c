import type { EngineMessage } from '../../shared/engineProtocol.ts';
import type { ProviderChoice, ProviderId } from '../../shared/generation.ts';
import type { GraphVariant } from './graph/graphVariant.ts';
import type { DeviceMemory } from './memory/freeMemory.ts';
import type { ModelSession } from './tensor/modelSession.ts';

/** The device a model runs on, and why not a better one. */
export type Device = Omit<Extract<EngineMessage, { kind: 'device' }>, 'kind'>;

/** What an engine works with. */
export interface EngineOptions {
  readonly emit: (message: EngineMessage) => void;
  readonly openSession: (file: string, provider: ProviderId) => Promise<ModelSession>;
  readonly devices: {
    /** @param model the folder it is for: a device may suit one model and not another */
    resolve(choice: ProviderChoice, model: string): Promise<Device>;
    /** The provider could not run the model in this folder: `auto` shall not choose it for that again. */
    reject(provider: ProviderId, model: string, detail: string): void;
    /**
     * Opens a part on its device; absent: all parts stay where `resolve` put the model. Under `auto`, parts other than the UNet that the
     * device refuses run on the CPU, and the next `device` message says so.
     */
    openPart?(file: string, provider: ProviderId, choice: ProviderChoice, openSession: EngineOptions['openSession']): Promise<ModelSession>;
    /** In which variant graphs are to be written for the device that was resolved for a model; absent: in its usual one. */
    variantFor?(provider: ProviderId, model: string): Promise<GraphVariant>;
    /** A model could not be run in that variant. Whether there is another one now. */
    rejectVariant?(provider: ProviderId, model: string, detail: string): Promise<boolean>;
    /** Whether the model of this hash gave the CPU's results on the provider before. */
    isVerified(provider: ProviderId, modelHash: string): Promise<boolean>;
    setVerified(provider: ProviderId, modelHash: string): Promise<void>;
  };
  /** Where results that may outlive the process are kept; left out: nowhere. */
  readonly cacheFolder?: string | null;
  /** Left out: what the real devices say. */
  readonly deviceMemory?: (provider: ProviderId) => Promise<DeviceMemory>;
  /** For the log; nothing a person must see. */
  readonly warn?: (text: string) => void;
}
