import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect, it } from 'vitest';
import { openCheckpoint } from '../../electron/engine/graph/openCheckpoint.ts';
import { openSession } from '../../electron/engine/ort/session.ts';
import { openTokenizer } from '../../electron/engine/pipelines/vocabulary.ts';
import { createSdEncoding } from '../../electron/engine/text/sdEncoding.ts';
import { clipMerges, writeSingle, writeTokenizers } from './fixtures.ts';

/**
 * diffusers' `encode_prompt`: `hidden_states[-(clip_skip + 1)]` through the final layer norm. The graph gives all of them so; that they are
 * transformers' is held by graph/architectures/architectures.test.ts.
 */
it('a checkpoint of Stable Diffusion 1 leaves out the layers it is told to', async () => {
  const place = await mkdtemp(path.join(tmpdir(), 'stopbath-clip-skip-'));
  try {
    const file = await writeSingle('sd1', place);
    const tokenizers = await writeTokenizers('sd1', path.join(place, 'tokenizers'));
    const { folder } = await openCheckpoint(file, { store: path.join(place, 'store'), vocabulary: clipMerges, tokenizers });
    const session = await openSession(path.join(folder, 'text_encoder', 'model.onnx'), 'cpu');
    let fed: Parameters<typeof session.run>[0] = {};
    const watched = { ...session, inputs: session.inputs, outputs: session.outputs, release: () => session.release(), run: (feeds: typeof fed) => session.run((fed = feeds)) };
    const prompts = createSdEncoding(await openTokenizer(folder, 'tokenizer', 'text_encoder'), watched);
    const options = { syntax: 'plain', chunks: 1 } as const;
    const skipped = await prompts.encode('a red house', { ...options, clipSkip: 1 });
    const states = await session.run(fed);
    // Three layers: the input of the first, and what each gives.
    expect(skipped.embeds.data).toEqual(states['normed_hidden_states.2']?.data);
    expect((await prompts.encode('a red house', { ...options, clipSkip: 0 })).embeds.data).toEqual(states['normed_hidden_states.3']?.data);
    await expect(prompts.encode('a red house', { ...options, clipSkip: 9 })).rejects.toMatchObject({ field: 'clipSkip' });
  } finally {
    await rm(place, { recursive: true, force: true });
  }
});
