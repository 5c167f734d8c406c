import { describe, expect, it } from 'vitest';
import { denoise } from '../denoise.ts';
import { fittingBranches } from '../memory/fittingModel.ts';
import { StopbathError } from '../../../shared/errors.ts';
import type { GuidedCalls } from './guidedPrediction.ts';
import { ReuseMemory } from './reuse.ts';
import { concatRows, sliceRows, type Tensor } from '../tensor/tensor.ts';
import { plan, text } from '../testing/loopRig.ts';
import type { TwoBranchModel } from './twoBranches.ts';

/** One call of the model. */
interface Asked {
  readonly what: 'whole' | 'shallow';
  readonly rows: number;
  readonly timestep: number;
}

/** Deep: the mean of a row's own text times its sample; outermost: the sample and the time. */
function branchModel(asked: Asked[]): TwoBranchModel {
  const outer = (sample: Tensor, timestep: number, features: Tensor): Tensor => ({
    dims: sample.dims,
    data: sample.data.map((x, index) => Math.fround(0.1 * x + timestep / 1e5 + (features.data[index] ?? NaN))),
  });
  return {
    whole: (sample, timestep, { promptEmbeds }) => {
      const rows = sample.dims[0] ?? 1;
      asked.push({ what: 'whole', rows, timestep });
      const size = sample.data.length / rows;
      const width = promptEmbeds.data.length / rows;
      const features = { dims: sample.dims, data: sample.data.map((x, index) => Math.fround(x * (promptEmbeds.data[Math.floor(index / size) * width] ?? NaN) * 0.1)) };
      return Promise.resolve({ output: outer(sample, timestep, features), features });
    },
    shallow: (features, sample, timestep) => {
      asked.push({ what: 'shallow', rows: sample.dims[0] ?? 1, timestep });
      expect(features.dims).toEqual(sample.dims);
      return Promise.resolve(outer(sample, timestep, features));
    },
  };
}

const rule = { kind: 'features', every: 3 } as const;

/** What each step asked of the model, and where the run ended. */
async function run(calls: GuidedCalls, change: Parameters<typeof plan>[0] = {}) {
  const asked: Asked[] = [];
  const result = await denoise(plan({ branches: branchModel(asked), reuse: new ReuseMemory(rule), guidedCalls: calls, ...change }, 8));
  return { asked, ...result };
}

describe('halves of guidance', () => {
  it('have features of their own, in one call or in two', async () => {
    const [batch, singles] = [await run('one-batch'), await run('two-singles')];
    expect(batch.asked.map(({ what, rows }) => `${what[0] ?? ''}${rows}`)).toEqual(['w2', 's2', 's2', 'w2', 's2', 's2', 'w2', 'w2']);
    expect(singles.asked.map(({ what, rows }) => `${what[0] ?? ''}${rows}`)).toEqual([...'wwssssww', ...'sssswwww'].map((what) => `${what}1`));
    expect(singles.latents).toEqual(batch.latents);
    expect(batch.steps.map(({ unetEvaluations, reused }) => `${unetEvaluations} ${reused}`)).toEqual(['2 none', '0 features', '0 features', '2 none', '0 features', '0 features', '2 none', '2 none']);
    // Not each other's: with both prompts alike it is another picture.
    const alike = await run('one-batch', { tensors: { negative_prompt_embeds: text(0.4) } });
    expect(alike.latents).not.toEqual(batch.latents);
  });

  it('several pictures keep their rows', async () => {
    const one = (await run('two-singles')).latents;
    const other = await run('two-singles', { tensors: { prompt_embeds: text(0.9) } });
    const tensors = {
      latents: concatRows([plan().tensors.latents, plan().tensors.latents]),
      prompt_embeds: concatRows([text(0.4), text(0.9)]),
      negative_prompt_embeds: text(-0.2, 2),
    };
    const both = (await run('one-batch', { tensors })).latents;
    expect(sliceRows(both, 0, 1)).toEqual(one);
    expect(sliceRows(both, 1, 2)).toEqual(other.latents);
  });

  it('a stop between them leaves the step undone', async () => {
    const abort = new AbortController();
    const asked: Asked[] = [];
    const model = branchModel(asked);
    const stopping: TwoBranchModel = {
      ...model,
      shallow: (...call) => {
        abort.abort();
        return model.shallow(...call);
      },
    };
    const result = await run('two-singles', { branches: stopping, signal: abort.signal });
    expect(result).toMatchObject({ status: 'stopped' });
    expect(result.steps).toHaveLength(1);
    expect(asked.map(({ what }) => what)).toEqual(['whole', 'whole', 'shallow']);
  });
});

describe('what a checkpoint has of it', () => {
  it('makes the features anew, at the step they are of, once', async () => {
    const reuse = new ReuseMemory(rule);
    const states: unknown[] = [];
    const ends: { latents: Tensor; stepIndex: number }[] = [];
    const whole = await run('two-singles', {
      reuse,
      callbacks: [{ name: 'checkpoints', callbackOnStepEnd: ({ latents, stepIndex }) => void (states.push(JSON.parse(JSON.stringify(reuse.snapshot()))), ends.push({ latents, stepIndex })) }],
    });
    for (const [index, { latents }] of ends.slice(0, -1).entries()) {
      const again = new ReuseMemory(rule);
      again.restore(states[index]);
      const at: number[] = [];
      const rest = await run('two-singles', { reuse: again, firstStep: index + 1, tensors: { latents }, atStep: (step) => at.push(step) });
      expect(rest.latents).toEqual(whole.latents);
      const isBetween = [1, 2, 4, 5].includes(index + 1);
      expect(at).toEqual(isBetween ? [3 * Math.floor((index + 1) / 3), index + 1] : []);
      expect(rest.steps[0]).toMatchObject(isBetween ? { reused: 'features', unetEvaluations: 2 } : { reused: 'none' });
      if (isBetween) expect(rest.asked.slice(0, 4).map(({ what }) => what)).toEqual(['whole', 'whole', 'shallow', 'shallow']);
    }
  });

  it('is nothing before a whole step, and nothing of another rule', () => {
    expect(new ReuseMemory(rule).snapshot()).toMatchObject({ features: null });
    expect(new ReuseMemory({ kind: 'none' }).snapshot()).toMatchObject({ features: null });
    expect(() => new ReuseMemory(rule).restore({ age: 0, inRow: 0, known: [], difference: null, features: { key: 1 } })).toThrow(StopbathError);
    // One that was saved before there was such a rule.
    expect(() => new ReuseMemory(rule).restore({ age: 0, inRow: 0, known: [], difference: null })).not.toThrow();
  });
});

it('a model that has no memory for its rows is asked in smaller calls, with their features', async () => {
  const asked: Asked[] = [];
  const model = branchModel(asked);
  const most = (rows: number): void => {
    if (rows > 1) throw new StopbathError({ code: 'OUT_OF_MEMORY', message: 'too much' });
  };
  const small: TwoBranchModel = {
    whole: (...call) => (most(call[0].dims[0] ?? 1), model.whole(...call)),
    shallow: (...call) => (most(call[0].dims[0] ?? 1), model.shallow(...call)),
  };
  const warned: string[] = [];
  const result = await run('one-batch', { branches: fittingBranches(small, (warning) => warned.push(warning)) });
  expect(result.latents).toEqual((await run('one-batch')).latents);
  expect(asked.every(({ rows }) => rows === 1)).toBe(true);
  // Once for whole calls, once for the others.
  expect(warned).toHaveLength(2);
});
