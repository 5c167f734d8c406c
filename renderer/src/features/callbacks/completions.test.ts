import { CompletionContext } from '@codemirror/autocomplete';
import { javascript } from '@codemirror/lang-javascript';
import { EditorState } from '@codemirror/state';
import { describe, expect, it } from 'vitest';
import { callbackCompletions } from './completions.ts';
import { membersOf, tensorNames } from './typeWords.ts';

/** Labels offered where the text ends. */
function offeredAt(text: string): readonly string[] {
  const state = EditorState.create({ doc: text, extensions: [javascript()] });
  return callbackCompletions(new CompletionContext(state, text.length, true))?.options.map(({ label }) => label) ?? [];
}

describe('completions', () => {
  it('know every word of the types that callbacks are given', () => {
    expect(membersOf('Run').map(({ label }) => label)).toEqual(expect.arrayContaining(['stepIndex', 'numTimesteps', 'sigma', 'nextSigma', 'cleanEstimate', 'state']));
    expect(membersOf('Run').find(({ label }) => label === 'nextSigma')).toMatchObject({ type: 'number | null', doc: expect.stringContaining('step to come') });
    expect(membersOf('Patch').map(({ label }) => label)).toEqual(expect.arrayContaining(['interrupt', 'guidanceScale', 'tensors']));
    expect(tensorNames()).toContain('negative_prompt_embeds');
  });

  it.each([
    ['const s = run.', 'nextSigma'],
    ['const s = run.ne', 'nextSigma'],
    ['const d = tensors.', 'latents'],
    ['const d = tensors.latents.', 'dims'],
    ['const d = run.cleanEstimate.', 'data'],
    ["const callbackOnStepEndTensorInputs = ['", 'mask'],
    ['return { gu', 'guidanceScale'],
    ['return { tensors: { ', 'latents'],
    ['function callbackOnStepEnd({ ', 'nextSigma'],
    ['function callbackOnStepEnd(run, stepIndex, timestep, { ', 'prompt_embeds'],
    ['', 'callbackOnStepEnd'],
  ])('behind %j there is %s', (text, label) => expect(offeredAt(text)).toContain(label));

  it('offer nothing for what they do not know', () => {
    expect(offeredAt('Math.')).toEqual([]);
    expect(offeredAt("const text = '")).toEqual([]);
  });
});
