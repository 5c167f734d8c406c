import { z } from 'zod';
import { type ProviderId, providerIds } from '../../../shared/generation.ts';
import type { ModelSession } from '../tensor/modelSession.ts';
import { steadyValues } from '../tensor/steadyValues.ts';
import { elementCount, tensor, type Tensor } from '../tensor/tensor.ts';
import { correctnessModel, speedModel } from './probeModel.ts';
import { openSession } from './session.ts';

/** What trying a provider gave. */
export const probeReportSchema = z.discriminatedUnion('kind', [
  z.object({
    kind: z.literal('ran'),
    /** Largest absolute difference to the CPU, outputs being of order 1. */
    maxDifference: z.number(),
    /** Milliseconds of the same convolutions on the CPU and on the provider, best of three. */
    cpuMs: z.number(),
    providerMs: z.number(),
  }),
  z.object({ kind: z.literal('failed'), message: z.string() }),
]);
export type ProbeReport = z.infer<typeof probeReportSchema>;

const argument = '--probe=';

/** The provider this process was started to probe, or null. */
export function probeArgument(argv: readonly string[]): ProviderId | null {
  const wanted = argv.find((item) => item.startsWith(argument))?.slice(argument.length);
  return providerIds.find((id) => id === wanted) ?? null;
}

export function probeArguments(provider: ProviderId): string[] {
  return [`${argument}${provider}`];
}

/** Tries a provider in this process. It may crash the process: only throw-away processes should call it. */
export async function runProbe(provider: ProviderId): Promise<ProbeReport> {
  try {
    const small = correctnessModel();
    const cpu = await runOnce(await openSession(small, 'cpu'));
    const other = await runOnce(await openSession(small, provider));
    const maxDifference = cpu.data.reduce((max, value, index) => {
      const difference = Math.abs(value - (other.data[index] ?? NaN));
      return difference <= max ? max : difference;
    }, 0);
    const large = speedModel();
    return {
      kind: 'ran',
      maxDifference: Number.isNaN(maxDifference) ? Infinity : maxDifference,
      cpuMs: await bestOfThree(await openSession(large, 'cpu')),
      providerMs: await bestOfThree(await openSession(large, provider)),
    };
  } catch (error) {
    const detail = error instanceof Error && 'detail' in error ? String(error.detail) : '';
    return { kind: 'failed', message: detail === '' ? String(error) : detail };
  }
}

async function runOnce(session: ModelSession): Promise<Tensor> {
  const spec = session.inputs[0];
  const dims = (spec?.dims ?? []).map(Number);
  const results = await session.run({ [spec?.name ?? 'x']: tensor(dims, steadyValues(elementCount(dims), 1)) });
  const output = results[session.outputs[0]?.name ?? 'y'];
  if (output === undefined) throw new Error('The probe gave no output.');
  return output;
}

async function bestOfThree(session: ModelSession): Promise<number> {
  await runOnce(session);
  let best = Infinity;
  for (let round = 0; round < 3; round++) {
    const begun = performance.now();
    await runOnce(session);
    best = Math.min(best, performance.now() - begun);
  }
  return best;
}
