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
    resolve(choice: ProviderChoice): Promise<Device>;
    /** The provider could not load a model: `auto` shall not choose it again. */
    reject(provider: ProviderId, detail: string): void;
  };
  /** For the log; nothing a person must see. */
  readonly warn?: (text: string) => void;
}
