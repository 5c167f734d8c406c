import { readFileSync } from 'node:fs';
import ts from 'typescript';
import { describe, expect, it } from 'vitest';
import { tensorInputNames, type StepCallback } from '../callbacks/callback.ts';
import { guidanceCurve } from '../callbacks/guidanceCurve.ts';
import { guidanceInterval } from '../callbacks/guidanceInterval.ts';
import { embeds, runWith, scalesOf, type CallbackRun } from '../testing/callbackRig.ts';
import { dynamicCfg, fadePromptTo, freeMaskAfter, stopAfterTen, weightPromptFrom } from '../testing/guideExamples.ts';
import { callbackTypes } from '../../../shared/callbackTypes.ts';
import { callbackExamples } from '../../../shared/callbackExamples.ts';
import { filled, listenTo, stepEnd } from './testSteps.ts';

const sourceOf = (id: string): string => callbackExamples.find((example) => example.id === id)?.source ?? '';

async function runExample(id: string, run: CallbackRun = {}, seed = '1') {
  const heard = await listenTo(sourceOf(id), { seed });
  const result = await runWith([heard.callback], run);
  heard.callback.dispose();
  expect(heard.problems).toEqual([]);
  return { result, lines: heard.lines };
}

describe('an example', () => {
  const mask = { mask: filled([1, 1, 2, 2], 0) };
  it.each<[string, StepCallback, CallbackRun]>([
    ['dynamic-cfg', dynamicCfg, { steps: 20 }],
    ['stop-after-ten', stopAfterTen, { steps: 14 }],
    ['weight-prompt', weightPromptFrom(5, 1.3), { rows: 2 }],
    ['free-mask', freeMaskAfter(0.8), { tensors: mask }],
    ['guidance-interval', guidanceInterval(7.5, { sigmaLow: 0.3, sigmaHigh: 5 }), { guidanceScale: 1 }],
  ])('%s does what the same callback in TypeScript does, bit for bit', async (id, twin, run) => {
    const expected = await runWith([twin], run);
    const { result } = await runExample(id, run);
    expect(result.latents).toEqual(expected.latents);
    expect(scalesOf(result)).toEqual(scalesOf(expected));
    expect(result.status).toBe(expected.status);
  });

  it('fade-prompt goes the whole way in equal parts', async () => {
    const expected = await runWith([fadePromptTo(embeds(-2))]);
    const { result } = await runExample('fade-prompt');
    result.calls.forEach(({ condition }, index) => {
      const value = expected.calls[index]?.condition.promptEmbeds.data[0] ?? NaN;
      expect(condition.promptEmbeds.data[0]).toBeCloseTo(value, 5);
    });
  });

  it('cosine-guidance is the curve', async () => {
    const expected = scalesOf(await runWith([guidanceCurve(7.5, { kind: 'cosine', to: 2 })], { guidanceScale: 7.5 }));
    scalesOf((await runExample('cosine-guidance', { guidanceScale: 7.5 })).result).forEach((scale, index) => {
      expect(scale).toBeCloseTo(expected[index] ?? NaN, 9);
    });
  });

  it('show-each-step logs a colour a step', async () => {
    const { lines } = await runExample('show-each-step', { steps: 3 });
    expect(lines.map((line) => line.replace(/-?\d+/g, '#'))).toEqual(Array.from({ length: 3 }, () => 'step # rgb # # #'));
  });

  it('stop-when-settled counts calm steps in its state', async () => {
    const heard = await listenTo(sourceOf('stop-when-settled'));
    const changes = [null, 0.5, 0.005, 0.5, 0.005, 0.005, 0.005];
    const interrupts = [];
    for (const [index, estimateChange] of changes.entries()) {
      const patch = await heard.callback.callbackOnStepEnd({ ...stepEnd(index), estimateChange }, index, 0, {});
      interrupts.push(patch?.interrupt === true);
    }
    expect(interrupts).toEqual([false, false, false, false, false, false, true]);
    heard.callback.dispose();
  });

  it('grain is the same for the same seed', async () => {
    const [one, again, other, none] = [await runExample('grain'), await runExample('grain'), await runExample('grain', {}, '2'), await runWith([])];
    expect(one.result.latents).toEqual(again.result.latents);
    expect(one.result.latents).not.toEqual(other.result.latents);
    expect(one.result.latents).not.toEqual(none.latents);
  });

  it('each has been looked at', () => {
    expect(callbackExamples.map(({ id }) => id).sort()).toEqual(
      ['cosine-guidance', 'dynamic-cfg', 'fade-prompt', 'free-mask', 'grain', 'guidance-interval', 'show-each-step', 'stop-after-ten', 'stop-when-settled', 'weight-prompt'],
    );
  });
});

it('the guide shows a callback that does what the first example does', async () => {
  const guide = readFileSync(new URL('GUIDE.md', import.meta.url), 'utf8');
  const shown = [...guide.matchAll(/```js\n([\s\S]*?)\n```/g)].map(([, code]) => code ?? '');
  expect(shown).toHaveLength(1);
  const heard = await listenTo(shown[0] ?? '');
  const { result } = await runExample('dynamic-cfg');
  expect(await runWith([heard.callback])).toMatchObject({ latents: result.latents });
  heard.callback.dispose();
});

describe('the types for the editor', () => {
  it('name every tensor and every fact', () => {
    for (const name of tensorInputNames) expect(callbackTypes).toContain(`'${name}'`);
    const facts = Object.keys(stepEnd(0)).filter((name) => name !== 'ms');
    for (const name of [...facts, 'nextGuidanceScale']) expect(callbackTypes).toMatch(new RegExp(`readonly ${name}: `));
  });

  it('fit the examples', () => {
    const files = new Map<string, string>([['callback.d.ts', callbackTypes]]);
    callbackExamples.forEach(({ id, source }) => {
      const typed = source.replace('function callbackOnStepEnd(', '/** @type {CallbackOnStepEnd} */\nconst callbackOnStepEnd = function (').replace(/\n}\n$/, '\n};\n');
      files.set(`${id}.js`, `${typed}export { callbackOnStepEnd };\n`);
    });
    expect(faultsOf(files)).toEqual([]);
    files.set('wrong.js', '/** @type {CallbackOnStepEnd} */\nexport const wrong = (run) => ({ guidanceScale: run.nothing });\n');
    expect(faultsOf(files)).toEqual([expect.stringContaining("'nothing' does not exist")]);
  });
});

/** What TypeScript says of JavaScript files that use the types. */
function faultsOf(files: ReadonlyMap<string, string>): string[] {
  const options: ts.CompilerOptions = {
    allowJs: true,
    checkJs: true,
    noEmit: true,
    strict: false,
    skipLibCheck: true,
    target: ts.ScriptTarget.ES2022,
    module: ts.ModuleKind.ESNext,
    lib: ['lib.es2022.d.ts'],
    types: [],
  };
  const host = ts.createCompilerHost(options);
  const { getSourceFile, fileExists } = host;
  host.getSourceFile = (name, ...rest) => {
    const text = files.get(name.replace(/^.*\//, ''));
    return text === undefined ? getSourceFile.call(host, name, ...rest) : ts.createSourceFile(name, text, ts.ScriptTarget.ES2022);
  };
  host.fileExists = (name) => files.has(name.replace(/^.*\//, '')) || fileExists.call(host, name);
  const program = ts.createProgram([...files.keys()], options, host);
  return ts.getPreEmitDiagnostics(program).map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, '\n'));
}
