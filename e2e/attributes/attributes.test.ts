import { expect, it } from 'vitest';
import { BenchEngine, starter } from '../bench/engineRuns.ts';
import { heldOutPrompts } from './classifier.ts';
import { measureAttributes } from './measure.ts';

it('the built-in model draws what held-out prompts ask for, through the engine that ships', async () => {
  const engine = new BenchEngine('electron/engine/process.ts');
  try {
    const prompts = heldOutPrompts().slice(0, 12);
    const { scores, doubled } = await measureAttributes(engine, prompts, { guidanceScale: starter.guidance, guidanceEnd: { kind: 'never' } });
    // Far above the best guess without looking at the prompt, and with room for one slip in twelve.
    for (const head of ['sky', 'ground', 'background', 'lake', 'house', 'tree', 'position'] as const) {
      const score = scores[head];
      expect(score?.right, head).toBeGreaterThanOrEqual((score?.asked ?? 0) - 1);
      expect(score?.base, head).toBeLessThan(0.8);
    }
    expect(doubled).toBeLessThanOrEqual(2);
  } finally {
    engine.close();
  }
});
