import path from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { Engine } from '../../electron/engine/engine.ts';
import type { GenerateCommand } from '../../electron/engine/generation.ts';
import { type GraphVariant, plainVariant } from '../../electron/engine/graph/graphVariant.ts';
import { reopenCheckpoint } from '../../electron/engine/graph/openCheckpoint.ts';
import { Providers } from '../../electron/engine/ort/providers.ts';
import { openSession } from '../../electron/engine/ort/session.ts';
import type { ModelSession } from '../../electron/engine/tensor/modelSession.ts';
import { mapTensor } from '../../electron/engine/tensor/tensor.ts';
import { checkpointsOf, createRig, ofKind } from '../../electron/engine/testing/engineRig.ts';
import { type EngineMessage, plainUse } from '../../shared/engineProtocol.ts';
import { callOf, type LoraModel, makeLoraModel, runOf } from '../loras/rig.ts';
import { clipMerges } from './fixtures.ts';
import { relative } from './draw.ts';

/** Checkpoints on a device whose graphs are in half precision; the device is the CPU, which computes them by casts. */
let model: LoraModel;
beforeAll(async () => {
  model = await makeLoraModel('sd1');
});
afterAll(() => model.remove());

/** Four steps of 11 bits: some thousandths, and what guidance of 5 makes of them. */
const halfTolerance = 3e-2;

/** What the device does to a call of a part in half precision, counted from 1. */
type Fault = (part: string, call: number, result: Awaited<ReturnType<ModelSession['run']>>) => Awaited<ReturnType<ModelSession['run']>>;

interface Run {
  readonly messages: readonly EngineMessage[];
  /** `device part arithmetic` of every session. */
  readonly opened: readonly string[];
  readonly log: readonly string[];
}

/** Runs, one after the other, on a WebGPU device that is fastest in half precision. */
async function runOn(fault: Fault, runs: readonly Partial<GenerateCommand>[]): Promise<Run> {
  const messages: EngineMessage[] = [];
  const plain = await plainFolder();
  const opened: string[] = [];
  const log: string[] = [];
  const devices = new Providers({
    platform: 'linux',
    arch: 'x64',
    key: 'this machine',
    probe: () => Promise.resolve(null),
    probeVariant: (_provider, variant) => Promise.resolve({ ...variant, ms: variant.arithmetic === 'float16' ? 5 : 9, reason: null }),
    log: (text) => log.push(text),
  });
  const engine = new Engine({
    emit: (message) => messages.push(message),
    devices,
    openSession: async (file, provider) => {
      const part = path.basename(path.dirname(file));
      const session = await openSession(file, 'cpu');
      const isHalf = !file.startsWith(plain) && provider !== 'cpu';
      opened.push(`${provider} ${part} ${isHalf ? 'half' : 'plain'}`);
      let calls = 0;
      return {
        inputs: session.inputs,
        outputs: session.outputs,
        release: () => session.release(),
        run: async (feeds, wanted) => {
          const result = await session.run(feeds, wanted);
          return isHalf ? fault(part, ++calls, result) : result;
        },
      };
    },
  });
  for (const run of runs) {
    await engine.generate({ kind: 'generate', jobId: 'j', request: callOf({ steps: 2 }), inputs: null, modelFolder: model.folder, provider: 'webgpu', ...plainUse, previewMode: 'off', paceMs: 0, ...run });
  }
  return { messages, opened, log };
}

const plainFolder = async (): Promise<string> => (await reopenCheckpoint(model.folder, { vocabulary: clipMerges, graph: { device: 'webgpu', variant: plainVariant } })).folder;
const right: Fault = (_part, _call, result) => result;
const last = (messages: readonly EngineMessage[]): Float32Array => checkpointsOf(messages).at(-1)?.latents.data ?? new Float32Array();

it('a run with a LoRA and steps that reuse features draws in half precision what float32 draws', async () => {
  const change = { request: callOf({ reuse: { kind: 'features', every: 2 } }), loras: Object.values(model.loras).slice(0, 1) };
  const wanted = last((await runOf(createRig(model.folder), change)).messages);
  const { messages, opened } = await runOn(right, [change]);
  expect(ofKind(messages, 'failed')).toEqual([]);
  const error = relative(last(messages), wanted);
  expect(error).toBeLessThan(halfTolerance);
  expect(error, 'it is half precision').toBeGreaterThan(1e-5);
  for (const part of ['text_encoder', 'unet', 'unet_shallow']) expect(opened).toContain(`webgpu ${part} half`);
  expect(opened, 'the same graph on the CPU, to compare with').toContain('cpu unet plain');
});

it('a model that is wrong in half precision is computed in float32 on the same device, from then on', async () => {
  const wrong: Fault = (part, _call, result) => (part === 'unet' ? Object.fromEntries(Object.entries(result).map(([name, value]) => [name, mapTensor(value, (x) => x + 5)])) : result);
  const { messages, opened, log } = await runOn(wrong, [{}, {}]);
  expect(ofKind(messages, 'finished').map(({ trace }) => trace.provider)).toEqual(['webgpu', 'webgpu']);
  expect(opened.filter((session) => session.startsWith('webgpu unet'))).toEqual(['webgpu unet half', 'webgpu unet plain']);
  expect(log.at(-1)).toMatch(/^webgpu: plain attention in float32 for .* which could not be run with fused attention in float16: wrong results for this model$/);
});

it('one that overflows in the middle of a run says so, and the next run is in float32', async () => {
  // The first call is the comparison with the CPU.
  const overflow: Fault = (part, call, result) => (part === 'unet' && call > 2 ? Object.fromEntries(Object.entries(result).map(([name, value]) => [name, mapTensor(value, () => NaN)])) : result);
  const { messages, opened } = await runOn(overflow, [{}, {}]);
  expect(ofKind(messages, 'failed').map(({ failure }) => failure)).toMatchObject([{ code: 'MODEL_NAN', nextStep: expect.stringContaining('Start the run again') as unknown }]);
  expect(ofKind(messages, 'finished')).toHaveLength(1);
  expect(opened.filter((session) => session.startsWith('webgpu unet'))).toEqual(['webgpu unet half', 'webgpu unet plain']);
});

it('has a folder for every variant: none is taken for another, and that of the CPU is where it was', async () => {
  const open = async (graph: { device: 'cpu' | 'webgpu'; variant?: GraphVariant }) => (await reopenCheckpoint(model.folder, { vocabulary: clipMerges, graph })).folder;
  const variants: GraphVariant[] = (['fused', 'plain'] as const).flatMap((attention) => (['float16', 'float32'] as const).map((arithmetic) => ({ attention, arithmetic })));
  const folders = await Promise.all(variants.map((variant) => open({ device: 'webgpu', variant })));
  expect(new Set(folders).size).toBe(4);
  expect(await open({ device: 'webgpu' })).toBe(folders[3]);
  expect(await open({ device: 'cpu', variant: { attention: 'fused', arithmetic: 'float32' } })).toBe(model.folder);
});
