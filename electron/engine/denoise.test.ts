import { describe, expect, it } from 'vitest';
import type { StepRecord } from '../../shared/job.ts';
import type { StepCallback, StepEnd, StepPatchResult, StepTensors } from './callbacks/callback.ts';
import { interruptAtStep } from './callbacks/interruptAtStep.ts';
import { previewCallback } from './callbacks/preview.ts';
import { denoise } from './denoise.ts';
import type { NoiseModel } from './guidance/condition.ts';
import type { GuidedCalls } from './guidance/guidedPrediction.ts';
import { TorchGenerator } from './tensor/random.ts';
import { concatRows, mapTensor, sliceRows, type Tensor } from './tensor/tensor.ts';
import { type Call, plan, rowModel, text } from './testing/loopRig.ts';

function callback(
  onEnd: (run: StepEnd, tensors: StepTensors) => StepPatchResult | Promise<StepPatchResult>,
  names?: readonly string[],
): StepCallback {
  return {
    name: 'test',
    callbackOnStepEnd: (run, _index, _timestep, tensors) => onEnd(run, tensors),
    ...(names === undefined ? {} : { callbackOnStepEndTensorInputs: names }),
  };
}

describe('the loop', () => {
  it('calls back after every step, the last one too, in the order step, callbacks', async () => {
    const log: string[] = [];
    const seen: [number, number][] = [];
    const ends: StepEnd[] = [];
    const given = plan({
      model: rowModel([], () => log.push('model')),
      onStep: ({ stepIndex }) => log.push(`step ${stepIndex}`),
      callbacks: [
        {
          name: 'first',
          async callbackOnStepEnd(run, stepIndex, timestep, tensors) {
            await Promise.resolve();
            log.push('first');
            seen.push([stepIndex, timestep]);
            ends.push(run);
            expect(Object.keys(tensors)).toEqual(['latents']);
            return undefined;
          },
        },
        callback(() => void log.push('second') as undefined),
      ],
    }, 3);
    const result = await denoise(given);
    expect(log).toEqual([0, 1, 2].flatMap((i) => ['model', 'model', `step ${i}`, 'first', 'second']));
    expect(seen).toEqual(given.stepper.timesteps.map((timestep, index) => [index, timestep]));
    expect(ends[0]).toMatchObject({ numTimesteps: 3, guidanceScale: 5, guided: true, unetEvaluations: 2, unetBatch: 1 });
    expect(ends[2]?.latents).toBe(result.latents);
    // The last sigma is 0: what is left is the clean estimate.
    const estimate = result.cleanEstimate?.data ?? [];
    result.latents.data.forEach((value, index) => expect(value).toBeCloseTo(estimate[index] ?? NaN, 4));
  });

  it('lets what arrived during a step be known at its end', async () => {
    let arrived = -1;
    let calls = 0;
    const known: number[] = [];
    await denoise(plan({
      guidanceScale: 1,
      // As a message does, it arrives only when the event loop turns.
      model: rowModel([], () => {
        const call = calls++;
        setImmediate(() => (arrived = call));
      }),
      callbacks: [callback(() => void known.push(arrived) as undefined)],
    }, 3));
    expect(known).toEqual([0, 1, 2]);
  });

  it('refuses an unknown tensor name before anything runs, naming those there are', async () => {
    const calls: Call[] = [];
    const bad = plan({ model: rowModel(calls), callbacks: [callback(() => undefined, ['latents', 'image'])] });
    await expect(denoise(bad)).rejects.toMatchObject({
      code: 'INVALID_INPUT',
      message: expect.stringMatching(/image.*latents, prompt_embeds, negative_prompt_embeds/) as unknown,
    });
    expect(calls).toEqual([]);
  });

  it('feeds returned tensors to the next step, and to the decoder after the last one', async () => {
    const inputs: number[] = [];
    const zeroed = plan({
      model: (sample) => {
        inputs.push(sample.data[0] ?? NaN);
        return Promise.resolve(sample);
      },
      guidanceScale: 1,
      callbacks: [
        callback((run, { latents }) => {
          if (latents === undefined) throw new Error('not given');
          return { tensors: { latents: mapTensor(latents, () => run.stepIndex) } };
        }),
      ],
    }, 3, 'ddim');
    const result = await denoise(zeroed);
    expect(inputs.slice(1)).toEqual([0, 1]);
    expect(Array.from(result.latents.data)).toEqual(new Array(16).fill(2));
  });

  it('takes a new prompt from a callback', async () => {
    const seen: number[] = [];
    await denoise(plan({
      model: (sample, _t, { promptEmbeds }) => {
        seen.push(promptEmbeds.data[0] ?? NaN);
        return Promise.resolve(sample);
      },
      callbacks: [callback(() => ({ tensors: { prompt_embeds: text(9), negative_prompt_embeds: text(8) } }), ['prompt_embeds', 'negative_prompt_embeds'])],
    }, 2));
    expect(seen.map((v) => Math.round(v * 10))).toEqual([-2, 4, 80, 90]);
  });

  it('gives a later callback what an earlier one returned; the later wins', async () => {
    const result = await denoise(plan({
      callbacks: [
        callback((_run, { latents }) => ({ guidanceScale: 3, tensors: { latents: mapTensor(latents ?? text(0), () => 1) } })),
        callback((_run, { latents }) => ({ guidanceScale: 2, tensors: { latents: mapTensor(latents ?? text(0), (x) => x + 1) } })),
      ],
    }, 2));
    expect(result.steps.map(({ guidanceScale }) => guidanceScale)).toEqual([5, 2]);
    expect(result.latents.data[0]).toBe(2);
  });

  it('names the callback that throws, returns what it did not ask for, or changes sides', async () => {
    const failing = (thrown: StepCallback): Promise<unknown> => denoise(plan({ callbacks: [thrown] }));
    const error = (message: RegExp): object => ({ code: 'CALLBACK', message: expect.stringMatching(message) as unknown });
    await expect(failing(callback(() => { throw new Error('boom'); }))).rejects.toMatchObject(error(/"test" failed after step 1: boom/));
    await expect(failing(callback(() => ({ tensors: { prompt_embeds: text(1) } })))).rejects.toMatchObject(error(/prompt_embeds, which it did not ask for/));
    await expect(failing(callback(() => ({ tensors: { latents: text(1) } })))).rejects.toMatchObject(error(/latents of \[1, 3, 2\]/));
  });
});

describe('interrupt', () => {
  it('at i == 10 has run 11 steps and keeps the latents the callback saw', async () => {
    const calls: Call[] = [];
    let seen: Tensor | undefined;
    const result = await denoise(plan({
      model: rowModel(calls),
      callbacks: [
        callback((run) => {
          seen = run.latents;
          return run.stepIndex === 10 ? { interrupt: true } : undefined;
        }),
        callback(() => ({ interrupt: false })),
      ],
    }, 20));
    expect(result).toMatchObject({ status: 'interrupted' });
    expect(result.steps).toHaveLength(11);
    expect(calls).toHaveLength(22);
    expect(result.latents).toBe(seen);
  });

  it('after the last step is a finished run', async () => {
    expect(await denoise(plan({ callbacks: [interruptAtStep({ stepIndex: 9 })] }))).toMatchObject({ status: 'finished' });
    expect((await denoise(plan({ callbacks: [interruptAtStep({ stepIndex: 0 })] }))).steps).toHaveLength(1);
  });
});

describe('stop', () => {
  it.each([1, 2, 3, 4, 7])('asked for during model call %i allows no other call', async (during) => {
    const abort = new AbortController();
    const calls: Call[] = [];
    // As a message does, the signal arrives only when the event loop turns.
    const model = rowModel(calls, () => {
      if (calls.length === during) setImmediate(() => abort.abort());
    });
    const result = await denoise(plan({ model, signal: abort.signal }));
    expect(result.status).toBe('stopped');
    expect(calls).toHaveLength(during);
    expect(result.steps).toHaveLength(Math.floor(during / 2));
  });

  it('before the start runs nothing', async () => {
    const result = await denoise(plan({ signal: AbortSignal.abort() }));
    expect(result).toMatchObject({ status: 'stopped', cleanEstimate: null, steps: [] });
  });
});

describe('batches', () => {
  it.each([2, 3])('of %i give each picture what it would have had alone, cutoff included', async (rows) => {
    for (const guidedCalls of ['two-singles', 'one-batch'] satisfies GuidedCalls[]) {
      for (const scheduler of ['euler', 'dpmpp_2m'] as const) {
        const cutAfterThird = callback((run) => (run.stepIndex === 2 ? { guidanceScale: 1 } : undefined));
        const latents = new TorchGenerator('4').normal([rows, 4, 2, 2]);
        const prompts = concatRows(Array.from({ length: rows }, (_, row) => text(0.1 * (row + 1))));
        const calls: Call[] = [];
        const together = await denoise(plan({
          model: rowModel(calls), guidedCalls, tensors: { latents, prompt_embeds: prompts, negative_prompt_embeds: text(-0.2, rows) }, callbacks: [cutAfterThird],
        }, 6, scheduler));
        const halves = guidedCalls === 'one-batch' ? [2 * rows] : [rows, rows];
        expect(calls.map((call) => call.rows)).toEqual([...halves, ...halves, ...halves, rows, rows, rows]);
        expect(calls.every((call) => call.rows === call.textRows)).toBe(true);
        for (let row = 0; row < rows; row++) {
          const alone = await denoise(plan({
            tensors: { latents: sliceRows(latents, row, row + 1), prompt_embeds: sliceRows(prompts, row, row + 1) }, callbacks: [cutAfterThird],
          }, 6, scheduler));
          expect(sliceRows(together.latents, row, row + 1)).toEqual(alone.latents);
        }
      }
    }
  });
});

describe('previews', () => {
  const image = { width: 1, height: 1, rgb: new Uint8Array(3) };

  it('that throw leave the linear ones, then none, are told, and change nothing', async () => {
    const warnings: string[] = [];
    const preview = previewCallback({
      source: 'decoder',
      render: () => Promise.reject(new Error('no decoder')),
      emit: () => undefined,
      warn: (message) => warnings.push(message),
    });
    const result = await denoise(plan({ callbacks: [preview] }));
    expect(result.status).toBe('finished');
    expect(result.latents).toEqual((await denoise(plan())).latents);
    expect(warnings).toEqual(['No more decoded previews: no decoder', 'No more previews: no decoder']);
  });

  it('that are slow twice in a row become linear', async () => {
    let clock = 0;
    const sources: string[] = [];
    const preview = previewCallback({
      source: 'decoder',
      render: (_estimate, source) => {
        clock += source === 'decoder' ? 200 : 1;
        return image;
      },
      emit: (_index, source) => sources.push(source),
      warn: () => undefined,
      now: () => clock,
    });
    await denoise(plan({ callbacks: [preview] }, 5));
    expect(sources).toEqual(['decoder', 'decoder', 'linear', 'linear', 'linear']);
  });

  it('are not decoded while a person waits for the run to end', async () => {
    const sources: string[] = [];
    let hurried = false;
    const preview = previewCallback({
      source: 'decoder',
      render: () => image,
      emit: (index, source) => {
        sources.push(source);
        hurried = index === 1;
      },
      warn: () => undefined,
      isHurried: () => hurried,
    });
    await denoise(plan({ callbacks: [preview] }, 4));
    expect(sources).toEqual(['decoder', 'decoder', 'linear', 'decoder']);
  });

  it('in the idle time of a pace are decoded where they fit in and linear where they do not', async () => {
    let clock = 0;
    const idle = [0, 50, 50, 100, 79];
    const sources: string[] = [];
    const preview = previewCallback({
      source: 'decoder',
      idleMs: (run) => idle[run.stepIndex] ?? 0,
      render: (_estimate, source) => {
        clock += source === 'decoder' ? 80 : 1;
        return image;
      },
      emit: (_index, source) => sources.push(source),
      warn: () => undefined,
      now: () => clock,
    });
    await denoise(plan({ callbacks: [preview] }, 5));
    // Step 2 tries one and learns that it takes 80 ms.
    expect(sources).toEqual(['linear', 'decoder', 'linear', 'decoder', 'linear']);
  });
});

it('a model that gives no numbers is a MODEL_NAN failure', async () => {
  const model: NoiseModel = (sample) => Promise.resolve(mapTensor(sample, () => NaN));
  await expect(denoise(plan({ model }))).rejects.toMatchObject({ code: 'MODEL_NAN' });
});

it('a step tells plain numbers only', async () => {
  const records: StepRecord[] = [];
  await denoise(plan({ onStep: (record) => records.push(record) }, 2));
  expect(Object.keys(records[0] ?? {}).sort()).toEqual(
    ['estimateChange', 'guidanceCosine', 'guidanceDistance', 'guidanceScale', 'guided', 'ms', 'numTimesteps', 'reused', 'sigma', 'stepIndex', 'timestep', 'unetEvaluations'],
  );
});
