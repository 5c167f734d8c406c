import { readFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { createRig, type Rig } from '../../electron/engine/testing/engineRig.ts';
import { withEmbeddings } from '../../electron/engine/text/embeddingWords.ts';
import { chunkPrompt } from '../../electron/engine/text/chunks.ts';
import { loadTokenizer, type PromptTokenizer } from '../../electron/engine/text/tokenizer.ts';
import { relative } from '../checkpoints/draw.ts';
import { type TensorToWrite, writeSafetensors } from '../checkpoints/writeSafetensors.ts';
import { type LoraVariant, loraVariants } from './fixtures.ts';
import { callOf, drawn, type LoraModel, makeLoraModel, runOf } from './rig.ts';

// Whole models are opened and drawn with, several times a test.
vi.setConfig({ testTimeout: 240_000, hookTimeout: 120_000 });

type Entry = readonly [name: string, type: string, shape: readonly number[]];
const { call, goldens } = JSON.parse(readFileSync(path.join(import.meta.dirname, 'embeddings.json'), 'utf8')) as {
  call: { prompt: string; negative_prompt: string };
  goldens: Record<LoraVariant, Record<string, { tensors: readonly Entry[]; latents: { base64: string } }>>;
};
const bar = 1e-4;
const request = callOf({ prompt: call.prompt, negativePrompt: call.negative_prompt });
const golden = (variant: LoraVariant, layout: string): Float32Array => new Float32Array(Uint8Array.from(Buffer.from(goldens[variant][layout]?.latents.base64 ?? '', 'base64')).buffer);

async function write(model: LoraModel, name: string, tensors: readonly Entry[]): Promise<{ name: string; file: string }> {
  const folder = path.join(model.place, `embeddings-${String(tensors.length)}-${tensors[0]?.[0] ?? ''}`.replaceAll(/[<>]/g, ''));
  await mkdir(folder, { recursive: true });
  const file = path.join(folder, `${name}.safetensors`);
  await writeSafetensors(file, tensors.map(([tensor, type, shape]): TensorToWrite => ({ name: tensor, type, shape })));
  return { name, file };
}

describe.each(loraVariants)('embeddings on %s', (variant) => {
  let model: LoraModel;
  let rig: Rig;
  beforeAll(async () => {
    model = await makeLoraModel(variant);
    rig = createRig(model.folder);
  });
  afterAll(() => model.remove());
  const draw = async (change: Parameters<typeof runOf>[1]): Promise<Float32Array> => (await runOf(rig, { request, ...change })).checkpoints.at(-1)?.latents.data ?? new Float32Array();

  it.each(Object.keys(goldens[variant]))('%s: by its name, as load_textual_inversion', async (layout) => {
    const embedding = await write(model, 'zorb', goldens[variant][layout]?.tensors ?? []);
    const ours = await draw({ embeddings: [embedding] });
    expect(relative(ours, golden(variant, layout))).toBeLessThanOrEqual(bar);
    expect(relative(await drawn(model, request, [], rig), golden(variant, layout))).toBeGreaterThan(1e-2);
    const comfy = (text: string): string => text.replaceAll('zorb', 'embedding:Zorb.safetensors');
    const called = callOf({ promptSyntax: 'comfy', prompt: comfy(call.prompt), negativePrompt: comfy(call.negative_prompt) });
    expect(relative(await draw({ request: called, embeddings: [embedding] }), golden(variant, layout))).toBeLessThanOrEqual(bar);
  });

  it('beside a LoRA at zero it is the same, bit by bit; one of another family leaves its name a word', async () => {
    const [layout = '', entry] = Object.entries(goldens[variant])[0] ?? [];
    const embedding = await write(model, 'zorb', entry?.tensors ?? []);
    const alone = await draw({ embeddings: [embedding] });
    const beside = await draw({ request: { ...request, loras: callOf({ loras: [{ name: 'kohya', strength: 0 }] }).loras }, embeddings: [embedding], loras: [model.loras['kohya'] ?? embedding] });
    expect(Buffer.from(beside.buffer).equals(Buffer.from(alone.buffer)), layout).toBe(true);
    const plain = await drawn(model, request, [], rig);
    for (const tensors of [[['emb_params', 'F32', [2, 48]]], [['clip_l', 'F32', [2, 64]]], [['odd', 'F32', [2, 2, 64]]]] as const) {
      if (variant === 'sd1' && tensors[0][0] === 'clip_l') continue;
      const other = await write(model, 'zorb', tensors);
      expect(Buffer.from((await draw({ embeddings: [other] })).buffer).equals(Buffer.from(plain.buffer))).toBe(true);
    }
  });
});

describe('the ids of a text that names embeddings', () => {
  let tokenizer: PromptTokenizer;
  beforeAll(async () => {
    const plain = await loadTokenizer(path.resolve(import.meta.dirname, '../../assets/starter/tokenizer'));
    tokenizer = withEmbeddings(plain, [
      { name: 'zorb', firstId: 1000, vectors: 2 },
      { name: 'zorb night', firstId: 2000, vectors: 1 },
      { name: 'wide', firstId: 3000, vectors: 8 },
    ]);
  });
  const ids = (text: string, syntax: 'a1111' | 'comfy' | 'plain'): number[][] => chunkPrompt(text, syntax, tokenizer).chunks.map((chunk) => chunk.ids.slice(1, 1 + chunk.used));
  const weights = (text: string): number[] => chunkPrompt(text, 'a1111', tokenizer).chunks.flatMap((chunk) => chunk.weights.slice(1, 1 + chunk.used));

  it('are their vectors, the longest name first, with the weight of the word', () => {
    const [a = 0] = tokenizer.ids('a');
    expect(ids('a ZORB a', 'a1111')).toEqual([[a, 1000, 1001, a]]);
    expect(ids('zorb night zorb', 'a1111')).toEqual([[2000, 1000, 1001]]);
    expect(weights('a (zorb:1.3)')).toEqual([1, 1.3, 1.3]);
    expect(ids('a embedding:zorb.pt, a', 'comfy')).toEqual([[a, 1000, 1001, ...tokenizer.ids(', a')]]);
    expect(ids('zorb', 'comfy')).toEqual([[...tokenizer.ids('zorb')]]);
    expect(ids('zorb', 'plain')).toEqual([[...tokenizer.ids('zorb')]]);
  });

  it('are not torn apart by the end of a chunk', () => {
    const [a = 0] = tokenizer.ids('a');
    const chunks = ids(`${'a '.repeat(70)}wide a`, 'a1111');
    expect(chunks).toEqual([new Array(70).fill(a), [3000, 3001, 3002, 3003, 3004, 3005, 3006, 3007, a]]);
  });
});
