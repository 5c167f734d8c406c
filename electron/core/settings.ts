import { readFile } from 'node:fs/promises';
import { defaultSettings, settingsSchema, type CallInput, type Settings } from '../../shared/contract.ts';
import type { Failure } from '../../shared/errors.ts';
import { type BrokenFileWords, setAside, unreadableFile } from './brokenFile.ts';
import { createSerial, isMissing, saveFailure, type FileWriter } from './files.ts';

export interface SettingsStore {
  get(): Settings;
  /** @throws StopbathError when they could not be saved; the settings are then as before. */
  set(change: CallInput<'settings.set'>): Promise<Settings>;
}

export interface SettingsOptions {
  readonly file: string;
  readonly write: FileWriter;
  readonly onChange: (settings: Settings, before: Settings) => void;
  readonly onNotice: (failure: Failure) => void;
}

// A field that an older version did not know takes its default.
const storedSchema = settingsSchema.partial();

export async function openSettings(options: SettingsOptions): Promise<SettingsStore> {
  let settings = await read(options);
  const serially = createSerial();
  return {
    get: () => settings,
    set: (change) =>
      serially(async () => {
        const next = settingsSchema.parse(merge(settings, change));
        try {
          await options.write(options.file, `${JSON.stringify(next, null, 2)}\n`);
        } catch (error) {
          throw saveFailure(error, 'the settings');
        }
        const before = settings;
        settings = next;
        options.onChange(next, before);
        return next;
      }),
  };
}

function merge(settings: Settings, change: object): object {
  const given = Object.entries(change).filter(([, value]) => value !== undefined);
  return { ...settings, ...Object.fromEntries(given) };
}

async function read({ file, onNotice }: SettingsOptions): Promise<Settings> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    if (!isMissing(error)) onNotice(unreadableFile(words, error));
    return defaultSettings;
  }
  try {
    return settingsSchema.parse(merge(defaultSettings, storedSchema.parse(JSON.parse(text))));
  } catch (error) {
    onNotice(await setAside(file, error, words));
    return defaultSettings;
  }
}

const words: BrokenFileWords = {
  unreadable: { message: 'The settings could not be read; the defaults are in use.', nextStep: 'Check that the settings file can be read, then start Stopbath again.' },
  setAside: (aside) => ({
    message: `The settings file was damaged and has been set aside as ${aside}; the defaults are in use.`,
    nextStep: 'Choose your settings again, or repair the file and put it back while Stopbath is closed.',
  }),
};
