import { describe, expect, it } from 'vitest';
import { readLoraTags, withoutLoraTags } from './loraTags.ts';

describe('LoRA tags', () => {
  // Strengths as ExtraNetworkLora.activate of A1111 1.10 reads them.
  it.each([
    ['<lora:ink>', 'ink', 1, 1],
    ['<lora:ink:0.8>', 'ink', 0.8, 0.8],
    ['<lora:ink:0.8:0.6>', 'ink', 0.6, 0.8],
    ['<lora:ink:-1>', 'ink', -1, -1],
    ['<lora:ink:.5>', 'ink', 0.5, 0.5],
    ['<lora:ink:0>', 'ink', 0, 0],
    ['<lora:ink:te=0.2:unet=0.9>', 'ink', 0.9, 0.2],
    ['<lora:ink:unet=0.9>', 'ink', 0.9, 1],
    ['<lora:ink:0.3:unet=0.9>', 'ink', 0.9, 0.3],
    ['<lora:ink:te=0.2>', 'ink', 0.2, 0.2],
    ['<lyco:ink:0.7>', 'ink', 0.7, 0.7],
    ['<lora: ink v1.2 (a=b) : 0.7 >', 'ink v1.2 (a=b)', 0.7, 0.7],
    ['<lora:a=b:0.7>', 'a=b', 0.7, 0.7],
    ['<lora:墨水:0.7>', '墨水', 0.7, 0.7],
  ])('%s', (tag, name, strength, textStrength) => {
    expect(readLoraTags(`a (red:1.2) ${tag}, house`)).toEqual({ text: 'a (red:1.2) , house', tags: [{ name, strength, textStrength }] });
  });

  it('keeps their order and what is none of them', () => {
    const { text, tags } = readLoraTags('<lora:b:0.5>a < b > c<lora:a>, <hypernet:x:1> <LORA:c> <lora:> <lora:never closed');
    expect(text).toBe('a < b > c, <hypernet:x:1> <LORA:c> <lora:> <lora:never closed');
    expect(tags.map(({ name }) => name)).toEqual(['b', 'a']);
  });

  it.each(['<lora: :1>', '<lora:ink:strong>', '<lora:ink:>', '<lora:ink:5>', '<lora:ink:NaN>', '<lora:ink:1:2:3>', '<lora:ink:lbw=FACE>', '<lora:ink:1:Infinity>'])(
    'refuses %s with the tag and the field',
    (tag) => {
      expect(() => readLoraTags(`a ${tag}`, 'negativePrompt')).toThrow(
        expect.objectContaining({ code: 'INVALID_INPUT', field: 'negativePrompt', message: expect.stringContaining(tag) as string }) as Error,
      );
    },
  );

  it('leaves out of a count what is not encoded', () => {
    expect(withoutLoraTags('a <lora:ink:0.5> house')).toBe('a  house');
    expect(withoutLoraTags('a <lora:ink:half> house')).toBe('a <lora:ink:half> house');
  });

  it('costs no time on brackets that are never closed', () => {
    const prompt = '<lora:'.repeat(200_000);
    // Read from each bracket to the end, it would take longer than a test may.
    expect(readLoraTags(prompt)).toEqual({ text: prompt, tags: [] });
  });
});
