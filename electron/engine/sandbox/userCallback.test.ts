import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { embeds, runWith } from '../testing/callbackRig.ts';
import { ask, filled, listenTo, stepEnd } from './testSteps.ts';
import { type CallbackProblem, checkSource, createUserCallback, describeProblem, type UserCallbackState } from './userCallback.ts';

describe('the forms a source may have', () => {
  it.each([
    ['an arrow', '(run) => ({ guidanceScale: 3 })'],
    ['an arrow and a semicolon', '// mine\n(run) => ({ guidanceScale: 3 });\n'],
    ['a function without a name', 'function (run) {\n  return { guidanceScale: 3 };\n}'],
    ['a function of any name', 'function mine(run) { return { guidanceScale: 3 }; }'],
    ['a declaration', 'const scale = 3;\nfunction callbackOnStepEnd(run) { return { guidanceScale: scale }; }'],
    ['a constant', 'const callbackOnStepEnd = () => ({ guidanceScale: 3 });'],
    ['an async function', 'async (run) => { await 0; return { guidanceScale: 3 }; }'],
    ['a default export', 'export default function (run) { return { guidanceScale: 3 }; }'],
    ['a named export', 'export const callbackOnStepEnd = () => ({ guidanceScale: 3 });'],
    ['a module that awaits', 'const scale = await Promise.resolve(3);\nexport default () => ({ guidanceScale: scale });'],
    ['an object', '({ scale: 3, callbackOnStepEnd() { return { guidanceScale: this.scale }; } })'],
    ['an exported object', 'export default { callbackOnStepEnd: () => ({ guidanceScale: 3 }) };'],
  ])('%s', async (_title, source) => {
    const heard = await listenTo(source);
    expect(heard.callback.callbackOnStepEndTensorInputs).toEqual(['latents']);
    expect(await ask(heard)).toEqual({ guidanceScale: 3 });
    heard.callback.dispose();
  });

  it.each([
    ["const callbackOnStepEndTensorInputs = ['prompt_embeds', 'latents'];\nfunction callbackOnStepEnd() {}", ['latents', 'prompt_embeds']],
    ["export const callbackOnStepEndTensorInputs = [];\nexport default () => {};", []],
    ["({ callbackOnStepEndTensorInputs: ['mask'], callbackOnStepEnd() {} })", ['mask']],
  ])('tensor names of %j', async (source, names) => {
    expect(await checkSource(source)).toEqual({ ok: true, tensorInputs: names });
  });
});

describe('a source that cannot be used says where', () => {
  it.each([
    ['\n\n  const a = ;\n(run) => {}', 3, 13, /unexpected token/],
    ['(run) => {\n  foo(;\n}', 2, 7, /unexpected token/],
    ['function (run) {\n\n  foo(;\n}', 3, 7, /unexpected token/],
    ['export default function () {\n  let a;\n  let a;\n}', 3, null, /redefinition|already/],
    ['(run) => {\n  with (run) {}\n}', 2, null, /with/],
    ['(run) => {\n', 2, null, /SyntaxError/],
    ['\n(run) => {\n  return 1 +', 3, 13, /the text ends too early/],
    ['import fs from "node:fs";\nexport default () => {};', 1, null, /could not load module/],
    ['\nnull.x;\nexport default () => {};', 2, null, /TypeError/],
    ['\n\nthrow new RangeError("at the top");', 3, null, /^RangeError: at the top$/],
    ['while (true);', 1, null, /10 million/],
    ['const all = [];\nfor (;;) all.push(new ArrayBuffer(1e6));', 2, null, /64 MiB/],
    ['const f = () => f();\nf();', 1, null, /stack overflow/],
    ['await new Promise(() => {});\nexport default () => {};', 1, null, /There is no callback/],
    ['', 1, 1, /There is no callback/],
    ['5', 1, 1, /There is no callback/],
    ['export default 5', 1, 1, /There is no callback/],
    ['const callbackOnStepEndTensorInputs = ["latent"]; function callbackOnStepEnd() {}', 1, 1, /asks for latent; there are latents, prompt_embeds/],
    ['const callbackOnStepEndTensorInputs = "latents"; function callbackOnStepEnd() {}', 1, 1, /array of tensor names/],
    [`// ${'x'.repeat(5e6)}`, 1, 1, /5000003 characters; at most 20000/],
    [`(run) => ${'('.repeat(19_000)}`, 1, null, /./],
    ['\u0000\u202e\ud800', 1, null, /SyntaxError/],
  ])('%#', async (source, line, column, message) => {
    const check = await checkSource(source);
    expect(check).toMatchObject({ ok: false, line, message: expect.stringMatching(message) as unknown });
    if (column !== null) expect(check).toMatchObject({ column });
    await expect(listenTo(source)).rejects.toMatchObject({ code: 'INVALID_INPUT', field: 'callbacks' });
  });
});

describe('what a callback sees', () => {
  it('the facts of the step, without what differs from machine to machine', async () => {
    const heard = await listenTo('(run, stepIndex, timestep) => console.log(Object.keys(run).join(), stepIndex, timestep, run.latents.dims, run.cleanEstimate.data)');
    await ask(heard, 2);
    expect(heard.lines).toEqual([
      'state,stepIndex,numTimesteps,timestep,sigma,nextSigma,guidanceScale,guided,unetEvaluations,unetBatch,estimateChange,guidanceDistance,guidanceCosine,reused,nextGuidanceScale,latents,cleanEstimate 2 799 [1,4,8,8] Float32Array(256) [0.5, 0.5, 0.5, 0.5, 0.5, …]',
    ]);
    heard.callback.dispose();
  });

  it('the scale that those before it have set for the next step', async () => {
    const heard = await listenTo('(run, i) => (i === 0 ? { guidanceRescale: 0.5 } : { guidanceScale: run.nextGuidanceScale / 2 })');
    const result = await runWith([{ name: 'before', callbackOnStepEnd: () => ({ guidanceScale: 8 }) }, heard.callback], { steps: 3 });
    expect(result.steps.map(({ guidanceScale }) => guidanceScale)).toEqual([5, 8, 4]);
    heard.callback.dispose();
  });

  it('copies of tensors, bit for bit', async () => {
    const latents = filled([1, 4, 8, 8], 0.1);
    latents.data.set([-0, 1e-45, 3.4e38, Math.fround(1 / 3)]);
    const heard = await listenTo('(run, i, t, tensors) => { run.latents.data.fill(7); const same = { tensors: { latents: { dims: [1, 4, 8, 8], data: tensors.latents.data.slice() } } }; tensors.latents.data.fill(9); return same; }');
    const kept = latents.data.slice();
    const patch = await ask(heard, 0, { latents });
    expect(Buffer.from(patch?.tensors?.latents?.data.buffer ?? new ArrayBuffer(0)).equals(Buffer.from(kept.buffer))).toBe(true);
    expect(latents.data).toEqual(kept);
    heard.callback.dispose();
  });

  it('a tensor of an earlier step is its own, an estimate not looked at in time is gone', async () => {
    const heard = await listenTo('let first, before; export default (run, i, t, { latents }) => { first ??= latents; before ??= run; if (i === 1) { console.log(first.data[0], latents.data[0]); before.cleanEstimate; } }');
    await ask(heard, 0, { latents: filled([1, 4, 8, 8], 3) });
    await ask(heard, 1, { latents: filled([1, 4, 8, 8], 4) });
    expect(heard.lines).toEqual(['3 4']);
    expect(heard.problems[0]?.message).toMatch(/earlier step is gone/);
    heard.callback.dispose();
  });

  it('a console that is heard, within bounds', async () => {
    const heard = await listenTo('console.log("top"); export default () => { for (let i = 0; i < 500; i++) console.warn("x".repeat(5000)); console.log(Symbol(), () => 1, null, { a: [new Float32Array(2)] }, new Error("e")); }');
    expect(heard.lines).toEqual(['top']);
    await ask(heard);
    expect(heard.lines).toHaveLength(102);
    expect(heard.lines[1]).toHaveLength(1001);
    expect(heard.lines[101]).toBe('Further lines of this step are left out.');
    heard.callback.dispose();
  });
});

describe('the same again', () => {
  const random = '(run) => { run.state.all = [...(run.state.all ?? []), Math.random(), Math.random()]; return { guidanceScale: 30 * Math.random() }; }';

  it('Math.random follows the seed, the step and the source', async () => {
    const draws = async (source: string, seed: string) => {
      const heard = await listenTo(source, { seed });
      const scales = [await ask(heard, 0), await ask(heard, 1)].map((patch) => patch?.guidanceScale);
      heard.callback.dispose();
      return scales;
    };
    const one = await draws(random, '1');
    expect(new Set([...one, ...(await draws(random, '2')), ...(await draws(`${random} `, '1'))]).size).toBe(6);
    expect(await draws(random, '1')).toEqual(one);
  });

  it('goes on from a snapshot as if it had never stopped', async () => {
    const steps = [0, 1, 2, 3, 4, 5];
    const straight = await listenTo(random);
    const expected = [];
    for (const step of steps) expected.push(await ask(straight, step));
    const snapshots: UserCallbackState[] = [];
    const first = await listenTo(random);
    for (const step of [0, 1, 2]) {
      await ask(first, step);
      snapshots.push(structuredClone(first.callback.snapshot()));
    }
    const resumed = await listenTo(random, { restored: snapshots[1] as UserCallbackState });
    const rest = [];
    for (const step of [2, 3, 4, 5]) rest.push(await ask(resumed, step));
    expect(rest).toEqual(expected.slice(2));
    expect(resumed.callback.snapshot()).toEqual(straight.callback.snapshot());
    for (const { callback } of [straight, first, resumed]) callback.dispose();
  });

  it('what was switched off stays off', async () => {
    const heard = await listenTo('(run, i) => { if (i === 1) throw new Error("second"); return { guidanceScale: 2 }; }');
    expect([await ask(heard, 0), await ask(heard, 1), await ask(heard, 2)]).toEqual([{ guidanceScale: 2 }, undefined, undefined]);
    const resumed = await listenTo('() => ({ guidanceScale: 2 })', { restored: heard.callback.snapshot() });
    expect(await ask(resumed, 2)).toBeUndefined();
    expect(resumed.callback.snapshot()).toEqual(heard.callback.snapshot());
    expect(describeProblem(heard.problems[0] as CallbackProblem)).toBe('The callback "mine" was switched off after step 2, line 1: Error: second.');
  });

  it('an endless loop ends at the same turn every time', async () => {
    const reached = async () => {
      const heard = await listenTo('export default (run) => { for (let i = 0; ; i++) if (i % 10000 === 0) console.log(i); }', { limits: { turns: 500_000, logLines: 100 } });
      await ask(heard);
      heard.callback.dispose();
      return heard.lines.at(-1);
    };
    expect(await reached()).toBe(await reached());
  });
});

describe('in a run', () => {
  it.each([
    ['throws', 'throw 1'],
    ['never ends', 'while (true);'],
    ['cannot be interrupted', 'new Array(4294967295).join("x")'],
    ['returns nonsense', 'return { tensors: { latents: 5 } }'],
  ])('one that %s at step 3 leaves the run as it was', async (_title, body) => {
    const plain = await runWith([], { steps: 6 });
    const heard = await listenTo(`(run, i) => { if (i === 2) { ${body} } }`, { limits: { hangMs: 1500 } });
    const result = await runWith([heard.callback], { steps: 6 });
    expect(result.latents).toEqual(plain.latents);
    expect(result.status).toBe('finished');
    expect(heard.problems.map(({ stepIndex }) => stepIndex)).toEqual([2]);
  });

  it('asks for a tensor the run does not have: an error before anything runs', async () => {
    const heard = await listenTo('const callbackOnStepEndTensorInputs = ["mask"]; function callbackOnStepEnd() {}');
    await expect(runWith([heard.callback])).rejects.toMatchObject({ code: 'INVALID_INPUT' });
    heard.callback.dispose();
  });

  it('several stand side by side, and see what those before them returned', async () => {
    const double = await listenTo('const callbackOnStepEndTensorInputs = ["prompt_embeds"]; function callbackOnStepEnd(run, i, t, { prompt_embeds }) { return { tensors: { prompt_embeds: { dims: prompt_embeds.dims, data: prompt_embeds.data.map((x) => 2 * x) } } }; }');
    const result = await runWith([double.callback, double.callback], { steps: 2 });
    expect(result.calls.at(-1)?.condition.promptEmbeds.data.at(-1)).toBeCloseTo((embeds(4).data[0] ?? 0) * 4, 5);
    double.callback.dispose();
  });

  it('one that is disposed of while it is asked changes nothing, and tells nothing', async () => {
    const heard = await listenTo('() => { while (true); }');
    const answer = ask(heard);
    heard.callback.dispose();
    expect(await answer).toBeUndefined();
    expect(await ask(heard, 1)).toBeUndefined();
    expect(heard.problems).toEqual([]);
  });

  it.each([
    ['is never disposed of', '() => ({})', 'await call;'],
    ['never ends', '() => { new Array(4294967295).join("x"); }', 'setTimeout(() => process.exit(0), 100);'],
  ])('one that %s does not keep the process', async (_title, source, end) => {
    const program = `
      const { createUserCallback } = await import(${JSON.stringify(new URL('userCallback.ts', import.meta.url).href)});
      const { stepEnd } = await import(${JSON.stringify(new URL('testSteps.ts', import.meta.url).href)});
      const quiet = () => undefined;
      const callback = await createUserCallback(${JSON.stringify(source)}, { name: 'x', seed: '1', onLog: quiet, onProblem: quiet });
      const call = callback.callbackOnStepEnd(stepEnd(0), 0, 0, {});
      ${end}
      console.log('done');`;
    const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', program], { timeout: 20_000 });
    expect(stdout).toBe('done\n');
  });

  it('a listener that throws is the caller’s fault, not the callback’s', async () => {
    const callback = await createUserCallback('() => 5', { name: 'x', seed: '1', onLog: () => undefined, onProblem: () => { throw new Error('listener'); } });
    await expect(Promise.resolve(callback.callbackOnStepEnd(stepEnd(0), 0, 0, {}))).rejects.toThrow('listener');
  });
});
