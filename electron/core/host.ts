import type { EngineCommand } from '../../shared/engineProtocol.ts';
import type { Send } from './network/network.ts';

/** How an engine process ended. Hosts that only know a number leave `signal` null. */
export interface EngineExit {
  readonly code: number | null;
  readonly signal: string | null;
}

/** A running engine process, however the host starts one. Listeners are set once, right after the start. */
export interface EngineProcess {
  readonly pid: number | undefined;
  /** Dropped without an error when the process is gone: its exit is reported anyway. */
  send(command: EngineCommand): void;
  onMessage(listener: (message: unknown) => void): void;
  /** Chunks of text as they come, not lines. */
  onStderr(listener: (text: string) => void): void;
  /** Called exactly once, also when the process could not be started at all. */
  onExit(listener: (exit: EngineExit) => void): void;
  /** Ends it at once and without asking: a native call in progress cannot be asked. */
  kill(): void;
}

/** How the engine process is told its cache folder. */
export const engineCacheVariable = 'STOPBATH_CACHE_DIR';

/** How it is told where the app's own files are (electron/engine/assets.ts); without it, it looks above its own. */
export const engineAssetsVariable = 'STOPBATH_ASSETS_DIR';

/** The system's own way to keep secrets: Keychain, DPAPI, a Secret Service. */
export interface SecretKeeper {
  /** False where what it calls encryption has a key that everybody knows. */
  isSafe(): Promise<boolean>;
  encrypt(text: string): Promise<Uint8Array>;
  decrypt(bytes: Uint8Array): Promise<string>;
}

/** What the surroundings give to the core. Optional abilities are null where the surroundings lack them. */
export interface Host {
  readonly kind: 'electron' | 'web';
  readonly platform: NodeJS.Platform;
  /** `cacheFolder`: where the engine may keep what it found out about devices; it makes the folder itself. */
  startEngine(cacheFolder: string): EngineProcess;
  /** Shows a file in the system's file manager. */
  readonly reveal: ((path: string) => void) | null;
  /** Asks where to save; null when the person cancelled. */
  readonly pickSavePath: ((suggestedName: string) => Promise<string | null>) | null;
  /** Asks for a model's folder or file; null when the person cancelled. */
  readonly pickModel: ((kind: 'file' | 'folder') => Promise<string | null>) | null;
  readonly secrets: SecretKeeper | null;
  /** Requests through the surroundings' own network stack, with their proxy and certificates; null: Node's. */
  readonly send: Send | null;
}

/** The folders the core works in; hosts know where they are, in a checkout and in an installed app. */
export interface AppPaths {
  /** Everything the person makes: pictures, settings, queue. */
  readonly data: string;
  /** The built renderer. */
  readonly ui: string;
  /** The built-in model. */
  readonly starterModel: string;
}
