import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { type TensorToWrite, writeSafetensors } from '../../e2e/checkpoints/writeSafetensors.ts';
import { writeLora } from '../../e2e/loras/fixtures.ts';
import { callOf, type LoraModel, makeLoraModel } from '../../e2e/loras/rig.ts';
import { tinyModelFolder } from '../../e2e/parity/tiny/folder.ts';
import type { AdapterRef } from '../../shared/engineProtocol.ts';
import { maxWarningLength } from '../../shared/runWarning.ts';
import { checkpointsOf, createRig, ofKind, type Rig, tinyRequest } from './testing/engineRig.ts';
import { warnPerson } from './warn.ts';

// Whole models are opened and drawn with.
vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

describe('what a run does not do as asked', () => {
  let model: LoraModel;
  let rig: Rig;
  beforeAll(async () => {
    model = await makeLoraModel('sd1');
    rig = createRig(model.folder);
  });
  afterAll(() => model.remove());

  /** The text encoder of the small model is 64 wide. */
  async function embedding(width: number): Promise<AdapterRef> {
    const folder = path.join(model.place, `wide-${String(width)}`);
    await mkdir(folder, { recursive: true });
    const file = path.join(folder, 'zorb.safetensors');
    await writeSafetensors(file, [{ name: 'emb_params', type: 'F32', shape: [2, width] }]);
    return { name: 'zorb', file };
  }

  it('an embedding of another family is told by its name before the first step, at every run, and changes nothing', async () => {
    const request = callOf({ prompt: 'a zorb' });
    const plain = await rig.generate({ request });
    expect(ofKind(plain, 'warning')).toEqual([]);
    for (const when of ['loading', 'loaded already']) {
      const messages = await rig.generate({ request, embeddings: [await embedding(48)] });
      const [warning, ...others] = ofKind(messages, 'warning');
      expect(others, when).toEqual([]);
      expect(warning).toMatchObject({ jobId: 'job', code: 'EMBEDDING_UNUSED' });
      expect(warning?.message).toMatch(/^The embedding "zorb" is not used, .*another family\.$/);
      expect(warning?.nextStep).toMatch(/prompt/);
      expect(messages.findIndex(({ kind }) => kind === 'warning')).toBeLessThan(messages.findIndex(({ kind }) => kind === 'step'));
      expect(ofKind(messages, 'finished')[0]?.images).toEqual(ofKind(plain, 'finished')[0]?.images);
      expect(checkpointsOf(messages).at(-1)?.latents).toEqual(checkpointsOf(plain).at(-1)?.latents);
    }
    const fitting = await rig.generate({ request, embeddings: [await embedding(64)] });
    expect(ofKind(fitting, 'warning')).toEqual([]);
    expect(ofKind(fitting, 'finished')[0]?.images).not.toEqual(ofKind(plain, 'finished')[0]?.images);
  });

  it('one that is no embedding, and one for a model whose graphs take none, too', async () => {
    const file = path.join(model.place, 'odd.safetensors');
    await writeSafetensors(file, [{ name: 'odd', type: 'F32', shape: [2, 2, 64] }]);
    const request = callOf({ prompt: 'a zorb', steps: 1 });
    const [odd] = ofKind(await rig.generate({ request, embeddings: [{ name: 'zorb', file }] }), 'warning');
    expect(odd?.message).toMatch(/"zorb".*word: .*[^.]\.$/);
    expect(odd?.nextStep).toBeTruthy();
    const exported = createRig(await tinyModelFolder('sd'));
    const [elsewhere] = ofKind(await exported.generate({ embeddings: [{ name: 'zorb', file }] }), 'warning');
    expect(elsewhere).toMatchObject({ code: 'EMBEDDING_UNUSED', nextStep: 'Open the same model as a .safetensors file.' });
  });

  it('a prompt that is cut, and steering after the last step, are told with what helps', async () => {
    const long = await rig.generate({ request: callOf({ prompt: 'a red house '.repeat(60), promptSyntax: 'plain', steps: 1 }) });
    expect(ofKind(long, 'warning')).toMatchObject([{ code: 'PROMPT_CUT', message: expect.stringMatching(/^The prompt is too long for this model: \d+ tokens/) as string }]);
    const late = await rig.generate({ request: callOf({ steps: 2, steering: [{ afterStep: 7, steering: { guidanceScale: 2 } }] }) });
    expect(ofKind(late, 'warning')).toMatchObject([{ code: 'STEERING_TOO_LATE' }]);
    expect(ofKind(late, 'finished')).toHaveLength(1);
  });

  it('a LoRA whose layers are the model’s only in part is told with their number, at every run; one layer more is usual', async () => {
    const fresh = path.join(model.place, 'partly');
    await mkdir(fresh);
    const strange = (count: number) => (tensors: TensorToWrite[]): TensorToWrite[] => [
      ...tensors,
      ...Array.from({ length: count }, (_, at) => `lora_unet_strange_${String(at)}`).flatMap((stem) => [
        { name: `${stem}.lora_down.weight`, type: 'F32', shape: [4, 32] },
        { name: `${stem}.lora_up.weight`, type: 'F32', shape: [32, 4] },
      ]),
    ];
    const request = callOf({ steps: 1, loras: [{ name: 'ink', strength: 1 }] });
    const partly = { name: 'ink', file: await writeLora('sd1', 'kohya', fresh, strange(20)) };
    for (const when of ['written', 'there already']) {
      const messages = await rig.generate({ request, loras: [partly] });
      expect(ofKind(messages, 'finished'), when).toHaveLength(1);
      expect(ofKind(messages, 'warning'), when).toMatchObject([{ code: 'LORA_PARTLY', message: expect.stringMatching(/^20 of the \d+ layers of sd1-kohya\.safetensors .*"lora_unet_strange_0" and others\.$/) as string }]);
    }
    const whole = { name: 'ink', file: await writeLora('sd1', 'kohya', model.place, strange(1)) };
    expect(ofKind(await rig.generate({ request, loras: [whole] }), 'warning')).toEqual([]);
  });

  it('nothing is told of a run that is done as asked', async () => {
    expect(ofKind(await createRig(await tinyModelFolder('sd')).generate({ request: tinyRequest }), 'warning')).toEqual([]);
  });
});

it('a warning goes to the log as it is, and to the person in as many letters as a message may have', () => {
  const log: string[] = [];
  const sent: unknown[] = [];
  const warn = warnPerson('job', (message) => sent.push(message), (text) => log.push(text));
  const message = 'word '.repeat(200);
  warn({ code: 'PROMPT_CUT', message, nextStep: 'Shorten it.' });
  expect(log).toEqual([`${message} Shorten it.`]);
  expect(sent).toEqual([{ kind: 'warning', jobId: 'job', code: 'PROMPT_CUT', message: `${message.slice(0, maxWarningLength - 1)}…`, nextStep: 'Shorten it.' }]);
});
