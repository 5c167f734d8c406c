import type { StepTensors } from '../callbacks/callback.ts';
import { ask, filled, listenTo } from './testSteps.ts';

/** What a step costs more with a callback: `node electron/engine/sandbox/measure.ts [rounds] [ms between steps]`. */

const rounds = Number(process.argv[2] ?? 500);
const gapMs = Number(process.argv[3] ?? 5);
const latents = filled([1, 4, 64, 64], 1);
const both: StepTensors = { latents, prompt_embeds: filled([1, 77, 768], 1) };
const doubled = '({ dims, data }) => ({ dims, data: data.map((x) => 2 * x) })';

const cases: readonly (readonly [title: string, source: string, tensors: StepTensors])[] = [
  ['empty, no tensors', '({ callbackOnStepEndTensorInputs: [], callbackOnStepEnd() {} })', {}],
  ['empty, latents', '() => {}', { latents }],
  ['empty, latents and prompt_embeds', '() => {}', both],
  ['both given back', '(run, i, t, tensors) => ({ tensors })', both],
  ['latents doubled', `(run, i, t, { latents }) => ({ tensors: { latents: (${doubled})(latents) } })`, { latents }],
];

for (const [title, source, tensors] of cases) {
  const heard = await listenTo(source);
  const times: number[] = [];
  for (let round = 0; round < rounds; round++) {
    const begun = performance.now();
    await ask(heard, round % 10, tensors);
    times.push(performance.now() - begun);
    await new Promise((resolve) => setTimeout(resolve, gapMs));
  }
  heard.callback.dispose();
  if (heard.problems[0] !== undefined) throw new Error(heard.problems[0].message);
  const sorted = times.sort((a, b) => a - b);
  const at = (share: number): string => (sorted[Math.trunc(share * (sorted.length - 1))] ?? NaN).toFixed(3);
  console.log(`${title}: median ${at(0.5)} ms, p95 ${at(0.95)} ms`);
}
