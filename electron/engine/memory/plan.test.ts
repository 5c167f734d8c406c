import { rm } from 'node:fs/promises';
import { expect, it } from 'vitest';
import { tinyModelFolder } from '../../../e2e/parity/tiny/folder.ts';
import { parseGenerationRequest, type ProviderId } from '../../../shared/generation.ts';
import { tinyRequest } from '../testing/engineRig.ts';
import { type AttentionKind, type ModelSize, type PartSize, readModelSize } from './modelSize.ts';
import { type PlanInput, planRun } from './plan.ts';
import { workBytes } from './workMemory.ts';

const mebibyte = 2 ** 20;

function part(name: PartSize['part'], weightBytes: number, attention: AttentionKind = 'plain', isHalf = false): PartSize {
  return { part: name, weightBytes, isHalf, attention };
}

/** Stable Diffusion 1.5 as e2e/fullsize/make.py writes it, float32. */
const sd15: ModelSize = {
  parts: [part('text_encoder', 492e6), part('unet', 3438e6), part('vae_decoder', 198e6), part('vae_encoder', 137e6)],
  pixelFactor: 8,
  latentChannels: 4,
  heads: [8, 8, 8, 0],
  channels: 320,
  vaeChannels: 128,
};
const request = parseGenerationRequest({ ...tinyRequest, width: 512, height: 512, guidanceScale: 1 });
const base: PlanInput = { size: sd15, provider: 'cuda', request, policy: 'auto', decodesPreviews: false, memory: { free: 0, total: 32e9 } };
const plan = (free: number, change: Partial<PlanInput> = {}) => planRun({ ...base, memory: { free, total: 32e9 }, ...change });

// Peaks of the process less its mapped weights and what it had before, in MiB: e2e/fullsize/README.md.
it.each<[PartSize['part'], AttentionKind, number, number, number]>([
  ['unet', 'plain', 32, 1, 143],
  ['unet', 'plain', 32, 2, 287],
  ['unet', 'plain', 48, 1, 511],
  ['unet', 'plain', 64, 1, 1342],
  ['unet', 'plain', 96, 1, 5707],
  ['unet', 'added', 64, 1, 2182],
  ['vae_decoder', 'plain', 16, 1, 160],
  ['vae_decoder', 'plain', 32, 1, 564],
  ['vae_decoder', 'plain', 48, 1, 724],
  ['vae_decoder', 'plain', 64, 1, 868],
])('%s with %s attention at %s latents a side, %s rows, takes about what was measured', (name, attention, side, rows, measured) => {
  const bytes = workBytes(sd15, part(name, 0, attention), { rows, height: side, width: side }, 'cpu') / mebibyte;
  expect(Math.abs(bytes - measured - 16) / measured).toBeLessThan(name === 'unet' ? 0.1 : 0.2);
});

it('the less memory there is, the thriftier the run', () => {
  // SD 1.5 at 768 pixels: the UNet's moment decides between keeping and releasing; SDXL's decoder, at 1024, asks for tiles.
  const large = { ...request, width: 768, height: 768 };
  const taken = [16e9, 12e9, 11.5e9].map((free) => {
    const { policy, oneAtATime, vaeTile } = plan(free, { request: large }).plan;
    return [policy, oneAtATime, vaeTile];
  });
  expect(taken).toEqual([['keep', false, null], ['release', false, null], ['release', true, 32]]);
  const thin: ModelSize = { ...sd15, heads: [0, 0, 0, 0] };
  const needs = [64e9, 11e9, 6.2e9, 5e9].map((free) => planRun({ ...base, size: thin, request: { ...request, width: 1024, height: 1024 }, memory: { free, total: 64e9 } }));
  expect(needs.map(({ plan: { vaeTile } }) => vaeTile)).toEqual([null, null, 64, 32]);
  const bytes = needs.map(({ forecast }) => forecast.needBytes);
  expect([...bytes].sort((x, y) => y - x)).toEqual(bytes);
});

it('says whether it fits', () => {
  const { needBytes } = plan(2e9).forecast;
  expect(plan(16e9).forecast).toMatchObject({ verdict: 'fits', policy: 'keep', tiledVae: false, totalBytes: 32e9 });
  expect(plan(needBytes * 1.05).forecast).toMatchObject({ verdict: 'tight', policy: 'release' });
  expect(plan(needBytes * 0.9).forecast).toMatchObject({ verdict: 'too-much', policy: 'release' });
  expect(plan(16e9).forecast.parts.map((one) => one.part)).toEqual(['text_encoder', 'unet', 'vae_decoder']);
});

it('a person who chose is obeyed', () => {
  expect(plan(64e9, { policy: 'release' }).plan.policy).toBe('release');
  expect(plan(1e9, { policy: 'keep' }).plan).toMatchObject({ policy: 'keep', oneAtATime: false, vaeTile: 32 });
});

it('on the CPU large models let go of what they can map again in no time', () => {
  expect(plan(64e9, { provider: 'cpu' }).plan).toMatchObject({ policy: 'release', oneAtATime: false, vaeTile: null });
  expect(plan(64e9, { provider: 'cpu', policy: 'keep' }).plan.policy).toBe('keep');
});

it('the decoder stays where every step is decoded, and counts', () => {
  const change = { policy: 'release' as const, decodesPreviews: true };
  expect(plan(64e9, change).plan.holdsDecoder).toBe(true);
  const more = plan(64e9, change).forecast.needBytes - plan(64e9, { policy: 'release' }).forecast.needBytes;
  expect(more).toBe(198e6);
});

it('two rows are counted where guidance may go as one call', () => {
  const work = (provider: ProviderId, guidanceScale: number): number =>
    plan(64e9, { provider, request: { ...request, guidanceScale } }).forecast.parts.find((one) => one.part === 'unet')?.workBytes ?? 0;
  expect(work('cuda', 5) / work('cuda', 1)).toBeCloseTo(2, 1);
  expect(work('cpu', 5)).toBe(work('cpu', 1));
});

it('half precision takes half on a device that has it, and copies on the CPU', () => {
  const unet = part('unet', 1719e6, 'plain', true);
  const call = { rows: 1, height: 64, width: 64 };
  expect(workBytes(sd15, unet, call, 'other') / mebibyte).toBeCloseTo(16 + 1344 / 2, 0);
  // Measured: 2146 MiB in the first call, 2788 in the second.
  expect(workBytes(sd15, unet, call, 'cpu') / mebibyte).toBeGreaterThan(2788);
});

it('a small model is kept however little there is', async () => {
  const folder = await tinyModelFolder('sdxl');
  const size = await readModelSize(folder);
  expect(size).toMatchObject({ pixelFactor: 8, latentChannels: 4, heads: [0, 2], channels: 8, vaeChannels: 4 });
  expect(size.parts.map((one) => one.part)).toEqual(['text_encoder', 'text_encoder_2', 'unet', 'vae_decoder', 'vae_encoder']);
  expect(planRun({ size, provider: 'cpu', request: tinyRequest, policy: 'auto', decodesPreviews: false, memory: { free: 1e6, total: 1e9 } })).toMatchObject({
    plan: { policy: 'keep', oneAtATime: false },
    forecast: { verdict: 'too-much' },
  });
  await rm(folder, { recursive: true });
});
