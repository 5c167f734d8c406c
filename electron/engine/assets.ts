import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Set by the host: in an installed app the files lie beside app.asar. */
const assetsVariable = 'STOPBATH_ASSETS_DIR';

/** CLIP's list of merges, from which every tokenizer that a checkpoint leaves out is written. */
export function clipVocabularyFile(env: Readonly<Record<string, string | undefined>> = process.env): string {
  return join(assetsFolder(env), 'tokenizers', 'clip', 'bpe_simple_vocab_16e6.txt.gz');
}

/** Where the host said, else the checkout's: the engine also runs from a command line. */
function assetsFolder(env: Readonly<Record<string, string | undefined>>): string {
  const told = env[assetsVariable] ?? '';
  if (told !== '') return told;
  for (let folder = dirname(fileURLToPath(import.meta.url)); folder !== dirname(folder); folder = dirname(folder)) {
    if (existsSync(join(folder, 'assets', 'tokenizers'))) return join(folder, 'assets');
  }
  return 'assets';
}
