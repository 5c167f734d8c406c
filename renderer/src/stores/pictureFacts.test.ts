import { describe, expect, it } from 'vitest';
import { picture, request } from '../testing/samples.ts';
import { changedOf, promptOf, seedOf } from './pictureFacts.ts';

describe('a picture of a batch', () => {
  const batch = { ...request, prompt: 'one', morePrompts: ['two', 'three'], imagesPerPrompt: 2 };

  it('has the prompt it was drawn from', () => {
    expect([0, 1, 2, 3, 4, 5].map((batchIndex) => promptOf(picture('p', { request: batch, batchIndex })))).toEqual(['one', 'one', 'two', 'two', 'three', 'three']);
  });

  it('has the seed that draws it alone', () => {
    const last = { ...batch, seed: '18446744073709551614' };
    expect([0, 1, 2].map((batchIndex) => seedOf(picture('p', { request: last, batchIndex })))).toEqual(['18446744073709551614', '18446744073709551615', '0']);
    expect(seedOf(picture('p', { request: { ...last, batchSeeds: 'shared' }, batchIndex: 2 }))).toBe('18446744073709551614');
  });
});

describe('what is told of a picture', () => {
  it('are the advanced settings that differ', () => {
    expect(changedOf(request).ids).toEqual([]);
    expect(changedOf({ ...request, clipSkip: 1, noise: { kind: 'a1111-nv' }, denoisingEnd: 0.8 }).ids).toEqual(['clipSkip', 'noise', 'shares']);
  });
});
