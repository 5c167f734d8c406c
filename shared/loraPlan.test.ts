import { describe, expect, it } from 'vitest';
import { type GenerationRequestInput, type LoraCurve, parseGenerationRequest } from './generation.ts';
import { loraStrengthAt, plannedLoras, withoutLoraTags } from './loraPlan.ts';

const asking = (change: Partial<GenerationRequestInput> = {}) =>
  parseGenerationRequest({ task: 'text-to-image', modelId: 'm', prompt: 'a', negativePrompt: null, width: 64, height: 64, steps: 5, guidanceScale: 5, guidanceEnd: { kind: 'never' }, scheduler: 'euler', seed: '1', ...change });
const constant: LoraCurve = { kind: 'constant' };
const fade: LoraCurve = { kind: 'points', points: [{ at: 0, strength: 1 }, { at: 1, strength: 0 }] };

describe('who is how strong', () => {
  it('is what the list and the tags say together, in the order they are called', () => {
    const request = asking({
      prompt: 'a <lora:ink:0.5> b <lora:wash:0.2:0.7>',
      negativePrompt: 'c <lora:wash:9e-1> <lora:grain>',
      loras: [{ name: 'wash', strength: 0.5, textStrength: 0.1 }, { name: 'paper', strength: -1 }],
    });
    expect(plannedLoras(request, [])).toEqual([
      { name: 'wash', strength: 1.2, textStrength: expect.closeTo(0.3, 12) as number, curve: constant },
      { name: 'paper', strength: -1, textStrength: -1, curve: constant },
      { name: 'ink', strength: 0.5, textStrength: 0.5, curve: constant },
      // The same name in a second prompt is the same wish.
      { name: 'grain', strength: 1, textStrength: 1, curve: constant },
    ]);
  });

  it('is raised along its curve by a tag', () => {
    const [lora] = plannedLoras(asking({ prompt: '<lora:ink:0.5>', loras: [{ name: 'ink', strength: 1, curve: fade }] }), []);
    expect(lora?.curve).toEqual({ kind: 'points', points: [{ at: 0, strength: 1.5 }, { at: 1, strength: 0.5 }] });
  });

  it('is what was steered last, list and tags together; the text follows where it has no strength of its own', () => {
    const request = asking({ prompt: '<lora:ink:0.5>', loras: [{ name: 'ink', strength: 1, curve: fade }, { name: 'wash', strength: 0.5, textStrength: 0.1 }] });
    const log = [
      { afterStep: 0, steering: { loras: [{ name: 'ink', strength: 0.2 }] } },
      { afterStep: 1, steering: { guidanceScale: 3, loras: [{ name: 'wash', strength: 0 }] } },
      { afterStep: 2, steering: { loras: [{ name: 'ink', strength: -0.3 }] } },
    ];
    expect(plannedLoras(request, log)).toEqual([
      { name: 'ink', strength: -0.3, textStrength: -0.3, curve: constant },
      { name: 'wash', strength: 0, textStrength: 0.1, curve: constant },
    ]);
    expect(plannedLoras(request, log.slice(0, 2))[0]?.strength).toBe(0.2);
  });

  it('takes plain prompts to the letter', () => {
    const request = asking({ prompt: 'a <lora:ink:0.5>', promptSyntax: 'plain' });
    expect(plannedLoras(request, [])).toEqual([]);
    expect(withoutLoraTags(request).prompt).toBe('a <lora:ink:0.5>');
    expect(withoutLoraTags(asking({ prompt: 'a <lora:ink:0.5>', negativePrompt: '<lyco:b>c', morePrompts: ['<lora:d>'] }))).toMatchObject({ prompt: 'a ', negativePrompt: 'c', morePrompts: [''] });
  });
});

describe('a strength over the steps', () => {
  const at = (curve: LoraCurve, step: number): number => loraStrengthAt({ strength: 0.8, curve }, step, 5);
  it('stays, or follows straight lines, level before the first point and behind the last', () => {
    expect([0, 2, 4].map((step) => at(constant, step))).toEqual([0.8, 0.8, 0.8]);
    expect([0, 1, 2, 3, 4].map((step) => at(fade, step))).toEqual([1, 0.75, 0.5, 0.25, 0]);
    const half: LoraCurve = { kind: 'points', points: [{ at: 0.5, strength: 2 }, { at: 0.5, strength: -1 }] };
    expect([0, 1, 2, 3, 4].map((step) => at(half, step))).toEqual([2, 2, -1, -1, -1]);
    expect(loraStrengthAt({ strength: 1, curve: fade }, 0, 1)).toBe(1);
  });

  it('is refused with points out of order, and with a LoRA twice', () => {
    const loras = [{ name: 'ink', strength: 1, curve: { kind: 'points' as const, points: [{ at: 1, strength: 1 }, { at: 0, strength: 0 }] } }];
    expect(() => asking({ loras })).toThrow(/ascending/);
    expect(() => asking({ loras: [{ name: 'ink' }, { name: 'ink' }] })).toThrow(/twice/);
  });
});
