import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { deviceReasons } from '../../../shared/deviceReasons.ts';
import type { SelfTestReport } from '../../../shared/engineProtocol.ts';
import type { ProviderId } from '../../../shared/generation.ts';
import type { ModelSession, TensorSpec } from '../tensor/modelSession.ts';
import { steadyValues } from '../tensor/steadyValues.ts';
import { elementCount, tensor, type Tensor } from '../tensor/tensor.ts';
import { failureText, hopelessMs, runProbe } from './probe.ts';
import { judge } from './prober.ts';
import { openSession } from './session.ts';

/** TF32 and half precision stay well below this share of the largest value; a wrong kernel is far above. */
const tolerance = 0.02;

/** Calls of each kind that count, after one that does not; a slow device gets by with fewer. */
const calls = 9;
const patienceMs = 4000;

/**
 * Tries a device in this process: the probe's small models, then the UNet of a model on it and on the CPU, for a batch of 1 and
 * of 2. It may crash or hang: only a process started for nothing else should call it.
 * @param modelFolder a standard model folder; its UNet gets the latents its config names (64 x 64 without one)
 */
export async function runSelfTest(provider: ProviderId, modelFolder: string): Promise<SelfTestReport> {
  try {
    const probed = provider === 'cpu' ? null : await runProbe(provider);
    if (probed?.kind === 'failed') return { kind: 'failed', message: probed.message };
    // A software driver would take minutes, and its speed is known: then only its results count.
    const isHopeless = probed !== null && probed.providerMs > hopelessMs;
    const side = isHopeless ? 8 : await latentSide(modelFolder);
    const file = join(modelFolder, 'unet', 'model.onnx');
    const reference = await openSession(file, 'cpu');
    const cpu = await measure(reference, side);
    await reference.release();
    const device = provider === 'cpu' ? cpu : await measure(await openSession(file, provider), side);
    const difference = Math.max(shareOf(cpu.outputs.one, device.outputs.one), shareOf(cpu.outputs.two, device.outputs.two));
    return {
      kind: 'ran',
      verdict: judgeUnet(difference) ?? (probed === null ? null : judge(provider, probed, '')),
      unetMs: isHopeless ? null : device.ms,
      cpuMs: cpu.ms,
      difference,
    };
  } catch (error) {
    return { kind: 'failed', message: failureText(error) };
  }
}

function judgeUnet(difference: number) {
  if (difference === Number.MAX_VALUE) return deviceReasons.nan;
  return difference <= tolerance ? null : deviceReasons.wrong;
}

async function latentSide(modelFolder: string): Promise<number> {
  try {
    const config: unknown = JSON.parse(await readFile(join(modelFolder, 'unet', 'config.json'), 'utf8'));
    const side = typeof config === 'object' && config !== null && 'sample_size' in config ? config.sample_size : null;
    return typeof side === 'number' && Number.isInteger(side) && side >= 8 && side <= 128 ? side : 64;
  } catch {
    return 64;
  }
}

async function measure(session: ModelSession, side: number) {
  const one = await timed(session, feedsOf(session.inputs, 1, side));
  const two = await timed(session, feedsOf(session.inputs, 2, side));
  return { ms: { one: one.ms, two: two.ms }, outputs: { one: one.output, two: two.output } };
}

async function timed(session: ModelSession, feeds: Readonly<Record<string, Tensor>>): Promise<{ ms: number; output: Tensor }> {
  const run = async (): Promise<Tensor> => {
    const [output] = Object.values(await session.run(feeds));
    if (output === undefined) throw new Error('The UNet gave no output.');
    return output;
  };
  const output = await run();
  const begun = performance.now();
  const times: number[] = [];
  while (times.length < calls && (times.length === 0 || performance.now() - begun < patienceMs)) {
    const started = performance.now();
    await run();
    times.push(performance.now() - started);
  }
  times.sort((a, b) => a - b);
  return { ms: times[Math.floor(times.length / 2)] ?? 0, output };
}

/** Inputs of a part by what its file declares: latents [batch, channels, side, side], texts of 77 tokens, ids every vocabulary has. */
export function feedsOf(inputs: readonly TensorSpec[], batch: number, side: number): Readonly<Record<string, Tensor>> {
  return Object.fromEntries(inputs.map((spec) => [spec.name, feedOf(spec, batch, side)]));
}

function feedOf(spec: TensorSpec, batch: number, side: number): Tensor {
  if (spec.name === 'timestep') {
    const steps = spec.dims.map((given) => (typeof given === 'number' && given > 0 ? given : batch));
    return tensor(steps, new Float32Array(elementCount(steps)).fill(500));
  }
  const dims = spec.dims.map((given, index) => {
    if (index === 0) return batch;
    if (typeof given === 'number' && given > 0) return given;
    return spec.dims.length === 4 ? side : 77;
  });
  if (spec.name === 'input_ids') return tensor(dims, Float32Array.from({ length: elementCount(dims) }, (_, index) => index % 7));
  return tensor(dims, steadyValues(elementCount(dims), 1.7));
}

/** Largest difference as a share of the largest value; `Number.MAX_VALUE` where a value is no number. */
export function shareOf(wanted: Tensor, actual: Tensor): number {
  let difference = 0;
  let largest = 0;
  for (const [index, value] of wanted.data.entries()) {
    const here = Math.abs(value - (actual.data[index] ?? NaN));
    if (!Number.isFinite(here)) return Number.MAX_VALUE;
    difference = Math.max(difference, here);
    largest = Math.max(largest, Math.abs(value));
  }
  return largest === 0 ? difference : difference / largest;
}
