/** Continues saved runs to their end in a process of its own: JSON in, the last latents of each as JSON out. */
import { readFileSync } from 'node:fs';
import type { Checkpoint } from '../../../shared/engineProtocol.ts';
import type { GenerationRequest } from '../../../shared/generation.ts';
import { checkpointsOf, createRig, ofKind } from './engineRig.ts';

export interface SavedRuns {
  readonly folder: string;
  readonly runs: readonly { readonly request: GenerationRequest; readonly from: Checkpoint }[];
}

export interface Continued {
  readonly failure: string | null;
  readonly latents: readonly number[];
  readonly pixels: readonly number[];
  readonly evaluations: number;
}

const { folder, runs } = JSON.parse(readFileSync(0, 'utf8')) as SavedRuns;
const rig = createRig(folder);
const results: Continued[] = [];
for (const { request, from } of runs) {
  const messages = await rig.generate({ request, from });
  const finished = ofKind(messages, 'finished')[0];
  results.push({
    failure: ofKind(messages, 'failed')[0]?.failure.message ?? null,
    latents: [...(checkpointsOf(messages).at(-1)?.latents.data ?? [])],
    pixels: [...(finished?.images[0]?.rgb ?? [])],
    evaluations: finished?.trace.unetEvaluationsTotal ?? 0,
  });
}
process.stdout.write(JSON.stringify(results));
