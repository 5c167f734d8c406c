/**
 * Which variant the app would write graphs in for a device, and why: `node e2e/graphs/variants.ts cuda|dml|webgpu [seconds]`. Nothing is kept. For a
 * software driver, `seconds` a variant (240) and the surroundings that webgpu.ts names.
 */
import path from 'node:path';
import { forkedVariantProber } from '../../electron/engine/ort/variantProbe.ts';
import { Variants } from '../../electron/engine/ort/variants.ts';
import { VerdictFile } from '../../electron/engine/ort/verdictFile.ts';
import { providerIds } from '../../shared/generation.ts';

const [name = '', seconds = '60'] = process.argv.slice(2);
const provider = providerIds.find((id) => id === name);
if (provider === undefined) throw new Error(`One of ${providerIds.join(', ')}, not ${JSON.stringify(name)}.`);

const entry = path.join(import.meta.dirname, '../../electron/engine/process.ts');
const variants = new Variants({
  probe: forkedVariantProber(entry, Number(seconds) * 1000),
  file: new VerdictFile(null),
  probesInThisProcess: false,
  log: (text) => console.log(text),
});
console.log(JSON.stringify(await variants.of(provider, 'any')));
