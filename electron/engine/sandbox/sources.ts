import type { QuickJSContext, QuickJSHandle } from 'quickjs-emscripten-core';
import { userFile } from './prelude.ts';

/** Values a source leaves behind, or what was thrown while it was read. The receiver disposes of the handles. */
export type SourceResult =
  | { readonly kind: 'values'; readonly callback: QuickJSHandle; readonly names: QuickJSHandle; readonly shift: number }
  | { readonly kind: 'error'; readonly error: QuickJSHandle; readonly shift: number };

/** Where a callback stands when a source exports nothing: declared with either of these names. */
const declared = `[typeof callbackOnStepEnd === 'undefined' ? undefined : callbackOnStepEnd,
typeof callbackOnStepEndTensorInputs === 'undefined' ? undefined : callbackOnStepEndTensorInputs]`;

const isModule = (source: string): boolean => /(?:^|[;}])[ \t]*(?:export\b|import\s*[\w{*'"])/m.test(source);

/**
 * Runs a source in one of the forms it may have: a module with exports, a plain function (or object) expression, or
 * declarations. `shift` is how many columns the user's first line was moved to the right.
 * Strict mode throughout: what would be lost silently (a name misspelt, a number written into `run`) is an error.
 * @param runJobs lets promises go on; needed for a module that awaits
 */
export function runSource(vm: QuickJSContext, source: string, runJobs: () => QuickJSHandle | null): SourceResult {
  if (isModule(source)) return runModule(vm, source, runJobs);
  const expression = `(${source}\n)`;
  const asExpression = compile(vm, expression);
  if (asExpression === null) return runScript(vm, expression, 1);
  const asScript = compile(vm, source);
  if (asScript === null) {
    asExpression.dispose();
    return runScript(vm, source, 0);
  }
  // Neither is one: the reading that got further is the one that was meant.
  const expressionWins = isFurther(vm, asExpression, asScript, source.split('\n').length);
  (expressionWins ? asScript : asExpression).dispose();
  return expressionWins ? { kind: 'error', error: asExpression, shift: 1 } : { kind: 'error', error: asScript, shift: 0 };
}

/** @returns the syntax error, or null */
function compile(vm: QuickJSContext, source: string): QuickJSHandle | null {
  const result = vm.evalCode(source, userFile, { type: 'global', strict: true, compileOnly: true });
  if (result.error !== undefined) return result.error;
  result.value.dispose();
  return null;
}

function isFurther(vm: QuickJSContext, a: QuickJSHandle, b: QuickJSHandle, lines: number): boolean {
  const [lineA, columnA] = placeOf(vm, a);
  const [lineB, columnB] = placeOf(vm, b);
  // Past the end is where every expression ends that is none.
  if (lineA > lines) return false;
  return lineA > lineB || (lineA === lineB && columnA - 1 > columnB);
}

function placeOf(vm: QuickJSContext, error: QuickJSHandle): readonly [line: number, column: number] {
  const stack = vm.getProp(error, 'stack').consume((handle) => (vm.typeof(handle) === 'string' ? vm.getString(handle) : ''));
  const place = findPlace(stack);
  return place === null ? [0, 0] : [place.line, place.column];
}

/** The first place in the user's text that a stack trace names. */
export function findPlace(stack: string): { readonly line: number; readonly column: number } | null {
  const match = /\bcallback\.js:(\d{1,9}):(\d{1,9})/.exec(stack);
  return match === null ? null : { line: Number(match[1]), column: Number(match[2]) };
}

function runModule(vm: QuickJSContext, source: string, runJobs: () => QuickJSHandle | null): SourceResult {
  const result = vm.evalCode(source, userFile, { type: 'module' });
  if (result.error !== undefined) return { kind: 'error', error: result.error, shift: 0 };
  const jobError = runJobs();
  if (jobError !== null) return { kind: 'error', error: jobError, shift: 0 };
  const state = vm.getPromiseState(result.value);
  if (state.type === 'pending') return { kind: 'values', callback: vm.undefined, names: vm.undefined, shift: 0 };
  if (state.type === 'rejected') return { kind: 'error', error: state.error, shift: 0 };
  const exported = state.value;
  const byDefault = vm.getProp(exported, 'default');
  const callback = vm.typeof(byDefault) === 'undefined' ? vm.getProp(exported, 'callbackOnStepEnd') : byDefault;
  return { kind: 'values', callback, names: vm.getProp(exported, 'callbackOnStepEndTensorInputs'), shift: 0 };
}

function runScript(vm: QuickJSContext, source: string, shift: number): SourceResult {
  const result = vm.evalCode(source, userFile, { type: 'global', strict: true });
  if (result.error !== undefined) return { kind: 'error', error: result.error, shift };
  const found = vm.evalCode(declared, 'prelude.js', { type: 'global' });
  if (found.error !== undefined) return { kind: 'error', error: found.error, shift };
  const callback = vm.getProp(found.value, 0);
  const names = vm.getProp(found.value, 1);
  return { kind: 'values', callback: vm.typeof(callback) === 'undefined' ? result.value : callback, names, shift };
}
