/**
 * One call of each full-size model against torch: `node e2e/graphs/full_size.ts FOLDER [sd15 sdxl text vae]`, after full_size.py with the
 * same arguments. A line a model: largest difference over largest value, load and run time, peak memory.
 */
import { execFileSync } from 'node:child_process';
import path from 'node:path';
import { writeText, writeUnet, writeVae } from './fullModels.ts';

const [folder = '', ...names] = process.argv.slice(2);

function check(name: string, golden: string, model: string, output: string): void {
  const measure = path.join(import.meta.dirname, 'measure.ts');
  const values = path.join(folder, `${golden}.golden.safetensors`);
  console.log(name, execFileSync(process.execPath, [measure, model, values, output], { encoding: 'utf8' }).trim());
}

for (const name of names.length === 0 ? ['sd15', 'sdxl', 'text', 'vae'] : names) {
  if (name === 'text') {
    check('text', name, writeText(folder), 'last_hidden_state');
  } else if (name === 'vae') {
    check('vae decoder', name, writeVae(folder, 'decoder'), 'sample');
    check('vae encoder', name, writeVae(folder, 'encoder'), 'latent_parameters');
  } else if (name === 'sd15' || name === 'sdxl' || name === 'mid') {
    check(name, name, writeUnet(folder, name), 'out_sample');
  }
}
