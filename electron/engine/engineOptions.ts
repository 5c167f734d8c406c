import type { EngineMessage } from '../../shared/engineProtocol.ts';
import type { ProviderChoice, ProviderId } from '../../shared/generation.ts';
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
    /** Whether the model of this hash gave the CPU's results on the provider before. */
    isVerified(provider: ProviderId, modelHash: string): Promise<boolean>;
    setVerified(provider: ProviderId, modelHash: string): Promise<void>;
  };
  /** For the log; nothing a person must see. */
  readonly warn?: (text: string) => void;
}
