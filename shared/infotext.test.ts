import { describe, expect, it } from 'vitest';
import type { GenerationRequest } from './generation.ts';
import { formatInfotext } from './infotext.ts';

const request: GenerationRequest = {
  task: 'text-to-image',
  modelId: 'starter',
  prompt: 'a red house, under a night sky',
  negativePrompt: 'snow',
  width: 128,
  height: 192,
  steps: 20,
  guidanceScale: 4.5,
  guidanceEnd: { kind: 'ratio', ratio: 0.4 },
  scheduler: 'dpmpp_2m_karras',
  seed: '18446744073709551615',
};
const facts = { request, modelName: 'Stopbath Starter', modelHash: '2c4354319efb8eb6', stepsDone: 20, version: '0.1.0' };

/** A1111's own reader (modules/infotext_utils.py, re_param): what it makes of our last line. */
function readAs1111(text: string): Record<string, string> {
  const last = text.split('\n').at(-1) ?? '';
  const found = [...last.matchAll(/\s*(\w[\w \-/]+):\s*("(?:\\.|[^\\"])+"|[^,]*)(?:,|$)/g)];
  return Object.fromEntries(
    found.map(([, key = '', value = '']) => [key, value.startsWith('"') ? String(JSON.parse(value)) : value]),
  );
}

describe('formatInfotext', () => {
  it('is what A1111 writes', () => {
    expect(formatInfotext(facts)).toBe(
      [
        'a red house, under a night sky',
        'Negative prompt: snow',
        'Steps: 20, Sampler: DPM++ 2M, Schedule type: Karras, CFG scale: 4.5, Seed: 18446744073709551615, Size: 128x192, ' +
          'Model hash: 2c4354319e, Model: Stopbath Starter, RNG: CPU, Guidance end: ratio 0.4, Version: Stopbath 0.1.0',
      ].join('\n'),
    );
  });

  it('tells the steps that ran, and the plan when it was not reached', () => {
    const read = readAs1111(formatInfotext({ ...facts, stepsDone: 7, numTimesteps: 20 }));
    expect(read).toMatchObject({ Steps: '7', 'Planned steps': '20' });
    expect(readAs1111(formatInfotext({ ...facts, numTimesteps: 20 }))).not.toHaveProperty('Planned steps');
  });

  it('leaves out what is not there', () => {
    const bare = formatInfotext({
      ...facts,
      modelHash: null,
      request: { ...request, negativePrompt: null, guidanceEnd: { kind: 'never' } },
    });
    expect(bare).not.toMatch(/Negative prompt|Model hash|Guidance end/);
    expect(bare.split('\n')).toHaveLength(2);
  });

  it('survives names that hold commas, colons, quotes, line breaks and other scripts', () => {
    const modelName = '模型, "v2": a\nb';
    const text = formatInfotext({ ...facts, modelName });
    expect(text).toContain('模型');
    expect(readAs1111(text)).toMatchObject({ Model: modelName, Version: 'Stopbath 0.1.0', Size: '128x192' });
  });

  it('names the plain schedule of DPM++ 2M, which A1111 would take for Karras', () => {
    const read = readAs1111(formatInfotext({ ...facts, request: { ...request, scheduler: 'dpmpp_2m' } }));
    expect(read).toMatchObject({ Sampler: 'DPM++ 2M', 'Schedule type': 'Uniform' });
  });
});
