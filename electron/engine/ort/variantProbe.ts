import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { type DeviceReason, deviceReasons, explainFailure } from '../../../shared/deviceReasons.ts';
import type { ProviderId } from '../../../shared/generation.ts';
import { type GraphVariant, isSameVariant, usualVariant, variantsToProbe } from '../graph/graphVariant.ts';
import type { ModelSession } from '../tensor/modelSession.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { failureText, hopelessMs, probeArguments } from './probe.ts';
import { probeApart } from './prober.ts';
import { feedsOf, shareOf } from './selfTest.ts';
import { openSession } from './session.ts';
import type { TriedVariant } from './verdictFile.ts';

const reportSchema = z.discriminatedUnion('kind', [
  z.object({
    kind: z.literal('ran'),
    /** Largest difference to the CPU's float32, as a share of the largest value. */
    difference: z.number(),
    /** Of one call, best of three. */
    ms: z.number(),
  }),
  z.object({ kind: z.literal('failed'), message: z.string() }),
]);
/** What trying a variant gave. */
export type VariantReport = z.infer<typeof reportSchema>;

/** Tries one way to write graphs on a device. */
export type VariantProber = (provider: ProviderId, variant: GraphVariant) => Promise<TriedVariant>;

/**
 * Of the largest value. WebGPU's fused attention, wrong on SwiftShader, is off by 0.026. Half precision with sums in float32 is off by 0.0015;
 * TF32, which rounds to as many bits, by no more.
 */
const tolerances: Readonly<Record<GraphVariant['arithmetic'], number>> = { float32: 4e-3, float16: 1e-2 };

const argument = '--variant=';

/** The variant a process was started to probe, or null. */
export function variantArgument(argv: readonly string[]): GraphVariant | null {
  const [attention, arithmetic] = argv.find((item) => item.startsWith(argument))?.slice(argument.length).split(',') ?? [];
  return variantsToProbe('webgpu').find((variant) => variant.attention === attention && variant.arithmetic === arithmetic) ?? null;
}

/** Latents of 64 x 64 pixels, where a wrong kernel shows, and of 384 x 384, where also the speed does. */
const smallSide = 8;
const largeSide = 48;

/** Runs the small UNet in one variant in this process, which it may crash or hang, and on the CPU. Never rejects. */
export async function runVariantProbe(provider: ProviderId, variant: GraphVariant): Promise<VariantReport> {
  const folder = await mkdtemp(join(tmpdir(), 'stopbath-variant-'));
  try {
    // Only a probe needs what writes graphs.
    const { writeProbeUnet, writeProbeWeights } = await import('../graph/probeUnet.ts');
    await writeProbeWeights(folder);
    const reference = await openSession(await writeProbeUnet(folder, 'reference', { device: 'cpu', variant: usualVariant('cpu') }), 'cpu');
    const session = await openSession(await writeProbeUnet(folder, 'model', { device: provider, variant }), provider);
    const small = await compare(session, reference, smallSide);
    // A software driver would take minutes for more.
    const isDone = small.ms > hopelessMs || small.difference > tolerances[variant.arithmetic];
    const large = isDone ? small : await compare(session, reference, largeSide);
    await reference.release();
    await session.release();
    return { kind: 'ran', difference: Math.max(small.difference, large.difference), ms: large.ms };
  } catch (error) {
    return { kind: 'failed', message: failureText(error) };
  } finally {
    // Windows keeps mapped files until the process ends.
    await rm(folder, { recursive: true, force: true }).catch(() => undefined);
  }
}

async function compare(session: ModelSession, reference: ModelSession, side: number): Promise<{ difference: number; ms: number }> {
  const feeds = feedsOf(reference.inputs, 1, side);
  const wanted = await reference.run(feeds);
  // The first call compiles and allocates.
  const actual = await session.run(feeds);
  const difference = Math.max(...Object.entries(wanted).map(([name, value]) => differenceOf(value, actual[name])));
  let ms = Infinity;
  for (let round = 0; round < 3 && (round === 0 || ms < hopelessMs); round++) {
    const begun = performance.now();
    await session.run(feeds);
    ms = Math.min(ms, performance.now() - begun);
  }
  return { difference, ms };
}

function differenceOf(wanted: Tensor, actual: Tensor | undefined): number {
  return actual === undefined ? Number.MAX_VALUE : shareOf(wanted, actual);
}

/** Why a report rules a variant out; null: it is right. */
export function judgeVariant(provider: ProviderId, { arithmetic }: GraphVariant, report: VariantReport, stderr: string): DeviceReason | null {
  if (report.kind === 'failed') return explainFailure(provider, `${stderr}\n${report.message}`);
  if (report.difference === Number.MAX_VALUE) return deviceReasons.nan;
  return report.difference <= tolerances[arithmetic] ? null : deviceReasons.wrong;
}

function tried(provider: ProviderId, variant: GraphVariant, report: VariantReport, stderr: string): TriedVariant {
  return { ...variant, ms: report.kind === 'ran' ? report.ms : null, reason: judgeVariant(provider, variant, report, stderr) };
}

/** Where no process can be started for it. */
export const probeVariantHere: VariantProber = async (provider, variant) => tried(provider, variant, await runVariantProbe(provider, variant), '');

/** Compiling a graph for the first time takes a driver longer than the probe's block does. */
const timeLimitMs = 60_000;

/** Every variant in a process of its own: one that crashes or hangs is out, and no other.  @param entry as of `forkedProber` */
export function forkedVariantProber(entry: string, limitMs = timeLimitMs): VariantProber {
  return async (provider, variant) => {
    const args = [...probeArguments(provider), `${argument}${variant.attention},${variant.arithmetic}`];
    const { report, stderr } = await probeApart(entry, args, { provider, schema: reportSchema, limitMs });
    return 'code' in report ? { ...variant, ms: null, reason: report } : tried(provider, variant, report, stderr);
  };
}

/** Two variants this near count as equally fast. */
const noise = 1.1;

/**
 * The fastest of those that are right, or, where another is as fast, the one that needs less memory; null: none is right. Fused attention has
 * to be right in float32 too: the VAE stays in that.
 */
export function fastestRight(provider: ProviderId, found: readonly TriedVariant[]): GraphVariant | null {
  const of = (variant: GraphVariant): TriedVariant | undefined => found.find((item) => isSameVariant(item, variant) && item.reason === null && item.ms !== null);
  const right = variantsToProbe(provider).flatMap((variant) => {
    const here = of(variant);
    const inFloat32 = of({ ...variant, arithmetic: 'float32' });
    return here?.ms === undefined || here.ms === null || inFloat32 === undefined ? [] : [{ variant, ms: here.ms }];
  });
  const best = Math.min(...right.map(({ ms }) => ms));
  return right.find(({ ms }) => ms <= best * noise)?.variant ?? null;
}
