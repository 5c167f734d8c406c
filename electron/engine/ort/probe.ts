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
    isFinite: z.boolean(),
    /** Milliseconds of the same block on the CPU and on the provider, best of three. */
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
    const feeds = steadyFeeds([1, 16, 16, 16]);
    const cpu = await runOnce(await openSession(small, 'cpu'), feeds);
    const other = await runOnce(await openSession(small, provider), feeds);
    return { kind: 'ran', maxDifference: largestDifference(cpu, other), isFinite: other.data.every(Number.isFinite), ...(await measureSpeed(provider)) };
  } catch (error) {
    return { kind: 'failed', message: failureText(error) };
  }
}

/** The runtime's own words where there are any. */
export function failureText(error: unknown): string {
  const detail = error instanceof Error && 'detail' in error ? String(error.detail) : '';
  return detail === '' ? String(error) : detail;
}

const steadyFeeds = (dims: readonly number[]): Feeds => ({ x: tensor(dims, steadyValues(elementCount(dims), 1)) });

type Feeds = Readonly<Record<string, Tensor>>;

/** Not a number counts as very far: an infinity would not survive the way to the parent. */
function largestDifference(wanted: Tensor, actual: Tensor): number {
  return wanted.data.reduce((largest, value, index) => {
    const difference = Math.abs(value - (actual.data[index] ?? NaN));
    return Number.isFinite(difference) ? Math.max(largest, difference) : Number.MAX_VALUE;
  }, 0);
}

async function runOnce(session: ModelSession, feeds: Feeds): Promise<Tensor> {
  const { y } = await session.run(feeds);
  if (y === undefined) throw new Error('The probe gave no output.');
  return y;
}

/** No GPU takes so long for the block: a software driver computes, and larger calls would take it minutes. */
export const hopelessMs = 250;

/** The block at 8 x 8 first; at 32 x 32, where a GPU shows what it can, unless that was hopeless. */
async function measureSpeed(provider: ProviderId): Promise<{ cpuMs: number; providerMs: number }> {
  const block = speedModel();
  const cpu = await openSession(block, 'cpu');
  const device = await openSession(block, provider);
  const small = steadyFeeds([1, 128, 8, 8]);
  const providerMs = await bestOfThree(device, small);
  if (providerMs > hopelessMs) return { cpuMs: await bestOfThree(cpu, small), providerMs };
  const large = steadyFeeds([1, 128, 32, 32]);
  return { cpuMs: await bestOfThree(cpu, large), providerMs: await bestOfThree(device, large) };
}

async function bestOfThree(session: ModelSession, feeds: Feeds): Promise<number> {
  // The first call compiles and allocates.
  await runOnce(session, feeds);
  let best = Infinity;
  for (let round = 0; round < 3 && (round === 0 || best < hopelessMs); round++) {
    const begun = performance.now();
    await runOnce(session, feeds);
    best = Math.min(best, performance.now() - begun);
  }
  return best;
}
