import { describe, expect, it } from 'vitest';
import type { GenerationRequest } from '../../../shared/generation.ts';
import { checkpointsOf, createRig, ofKind, tinyRequest } from '../testing/engineRig.ts';
import { writeTinyModel } from '../testing/tinyModel.ts';
import { readPromptSchedule } from '../text/schedule.ts';
import { embeds, filled, runWith } from '../testing/callbackRig.ts';
import { promptScheduleCallback, type ScheduledPrompt } from './promptSchedule.ts';

/** Text number n of the schedule becomes embeddings of 10 n (+ offset), and a pooled row of the same value. */
function scheduled(text: string, offset = 0, pooled = false): ScheduledPrompt {
  const schedule = readPromptSchedule(text, 'a1111', 6);
  return {
    schedule,
    variants: schedule.texts.map((_, index) => ({ embeds: embeds(10 * index + offset), pooled: pooled ? filled([1, 4], 10 * index + offset) : null })),
  };
}

describe('a prompt that changes', () => {
  it('changes in every row by its own schedule, the negative apart', async () => {
    const prompts = [scheduled('[a:b:1]'), scheduled('[c|d|e]', 1)];
    const negative = [scheduled('[n:o:0.5]', -5), scheduled('still', -7)];
    const { calls } = await runWith([promptScheduleCallback(prompts, negative)], { steps: 6, rows: 2 });
    const rows = calls.slice(1).map(({ condition: { promptEmbeds: { data } } }) => [0, 6, 12, 18].map((at) => data[at]));
    // By A1111's count [a:b:1] changes after two steps, [n:o:0.5] after four, and [c|d|e] is c c d e c d.
    const begun = [-2, expect.closeTo(-1.99) as number];
    expect(rows).toEqual([
      [...begun, 4, expect.closeTo(4.01)],
      [...begun, 10, 11],
      [...begun, 10, 21],
      [5, -7, 10, 1],
      [5, -7, 10, 11],
    ]);
  });

  it('takes the pooled embedding with it', async () => {
    const { calls } = await runWith([promptScheduleCallback([scheduled('[a:b:1]', 0, true)], [scheduled('n', -5, true)])], {
      steps: 3,
      guidanceScale: 1,
      tensors: { add_text_embeds: filled([1, 4], 0), negative_add_text_embeds: filled([1, 4], -5) },
    });
    expect(calls.map(({ condition }) => condition.pooled?.data[0])).toEqual([0, 0, 10]);
  });

  it('in a whole run is the first text up to its step, and resumes as it was', async () => {
    const rig = createRig(await writeTinyModel());
    const run = async (change: Partial<GenerationRequest>, resumeAfter?: number): Promise<Float32Array[]> => {
      const request = { ...tinyRequest, negativePrompt: '', ...change };
      const messages = await rig.generate({ request });
      if (resumeAfter === undefined) return checkpointsOf(messages).map(({ latents }) => latents.data);
      const from = checkpointsOf(messages)[resumeAfter - 1];
      if (from === undefined) throw new Error('no checkpoint');
      return checkpointsOf(await rig.generate({ request, from })).map(({ latents }) => latents.data);
    };
    const [first, second, edited] = [await run({ prompt: 'a a' }), await run({ prompt: 'a b' }), await run({ prompt: 'a [a:b:0.4]' })];
    expect(edited).toHaveLength(10);
    // Steps 0 to 4 have the first text, by A1111's count.
    expect(edited.slice(0, 5)).toEqual(first.slice(0, 5));
    expect(edited[5]).not.toEqual(first[5]);
    expect(first[0]).not.toEqual(second[0]);
    for (const stepsDone of [3, 5, 7]) expect(await run({ prompt: 'a [a:b:0.4]' }, stepsDone)).toEqual(edited.slice(stepsDone));
    // Swapped from the start it is the second text all along; in the negative prompt it changes something else.
    expect(await run({ prompt: 'a [a:b:0]' })).toEqual(second);
    const negative = await run({ prompt: 'a a', negativePrompt: '[:c:0.4]' });
    expect(negative.slice(0, 5)).toEqual(first.slice(0, 5));
    expect(negative[5]).not.toEqual(first[5]);
    expect(ofKind(rig.messages, 'failed')).toEqual([]);
  });
});
