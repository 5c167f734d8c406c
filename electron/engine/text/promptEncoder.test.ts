import { expect, it } from 'vitest';
import { tensor } from '../tensor/tensor.ts';
import { PromptEncoder } from './promptEncoder.ts';

it('encodes the texts used last once, and keeps no more than 32', async () => {
  let runs = 0;
  const tokenizer = { vocabularySize: 10, tokenize: () => ({ ids: [1, 2], truncated: 0 }) };
  const encoder = new PromptEncoder(tokenizer, {
    inputs: [{ name: 'input_ids', type: 'int64', dims: ['batch', 2] }],
    outputs: [{ name: 'last_hidden_state', type: 'float32', dims: ['batch', 2, 1] }],
    run: () => {
      runs++;
      return Promise.resolve({ last_hidden_state: tensor([1, 2, 1], new Float32Array(2)) });
    },
    release: () => Promise.resolve(),
  });
  for (let index = 0; index < 40; index++) {
    await encoder.encode('');
    await encoder.encode(`prompt ${index}`);
  }
  expect(runs).toBe(41);
  await encoder.encode('prompt 39');
  await encoder.encode('prompt 9');
  expect(runs).toBe(41);
  await encoder.encode('prompt 8');
  expect(runs).toBe(42);
});
