import { beforeEach, describe, expect, it } from 'vitest';
import { parseGenerationRequest } from '../../../shared/generation.ts';
import { fakeCore } from '../testing/fakeCore.ts';
import { model } from '../testing/samples.ts';
import { formForModel, formStore, initialForm, type FormState } from './form.ts';
import { checkForm } from './formErrors.ts';
import { toRequest } from './formRequest.ts';
import { formToSave, readSavedForm } from './formSaved.ts';
import { addCallback, changeCallback, checkSource, freeName, moveCallback, mostCallbacks, removeCallback, takeCallbacks } from './userCallbacks.ts';

const form = (): FormState => formStore.getState();
const names = (): string[] => form().callbacks.map(({ name }) => name);

beforeEach(() => formStore.setState({ ...initialForm, ...formForModel(model) }, true));

describe('callbacks of the user', () => {
  it('have names of their own, and an order', () => {
    for (const name of ['stop', 'stop', 'fade']) addCallback(name, 'x');
    expect(names()).toEqual(['stop', 'stop 2', 'fade']);
    moveCallback(form().callbacks[2]?.id ?? '', 0);
    moveCallback(form().callbacks[0]?.id ?? '', -1);
    expect(names()).toEqual(['fade', 'stop', 'stop 2']);
    expect(freeName('n'.repeat(200), [])).toHaveLength(76);
  });

  it('can be taken back when deleted, to their place', () => {
    for (const name of ['a', 'b', 'c']) addCallback(name, 'x');
    const undo = removeCallback(form().callbacks[1]?.id ?? '');
    expect(names()).toEqual(['a', 'c']);
    undo();
    undo();
    expect(names()).toEqual(['a', 'b', 'c']);
  });

  it('are as many as can be overseen, and eight at once', () => {
    for (let count = 0; count <= mostCallbacks; count++) addCallback('c', 'x');
    expect(form().callbacks).toHaveLength(mostCallbacks);
    expect(checkForm(form(), model).callbacks).toEqual({ key: 'tooMany', max: 8 });
    form().callbacks.slice(8).forEach(({ id }) => changeCallback(id, { on: false }));
    expect(checkForm(form(), model).callbacks).toBeUndefined();
    changeCallback(form().callbacks[0]?.id ?? '', { source: 'x'.repeat(20_001) });
    expect(checkForm(form(), model).callbacks).toEqual({ key: 'tooLong', max: 20_000 });
  });

  it('go with the request when they are on, in their order', () => {
    addCallback('first', 'one');
    addCallback('second', 'two');
    addCallback('third', 'three');
    changeCallback(form().callbacks[1]?.id ?? '', { on: false });
    expect(parseGenerationRequest(toRequest(form(), model, '7')).callbacks).toEqual([{ name: 'first', source: 'one' }, { name: 'third', source: 'three' }]);
  });

  it('come back from a saved form, and from a picture', () => {
    addCallback('first', 'one');
    const saved = JSON.parse(JSON.stringify(formToSave(form()))) as Record<string, unknown>;
    expect(readSavedForm(saved).callbacks).toEqual(form().callbacks);
    expect(readSavedForm({ ...saved, callbacks: [{ name: 'no id' }] }).callbacks).toBeUndefined();
    const taken = takeCallbacks(form().callbacks, [{ name: 'other', source: 'two' }, { name: 'renamed', source: 'one' }]);
    expect(taken.map(({ name, on }) => [name, on])).toEqual([['other', true], ['first', true]]);
    expect(takeCallbacks(form().callbacks, []).map(({ on }) => on)).toEqual([false]);
  });
});

describe('the check of a source', () => {
  it('tells where it is wrong, and nothing where nobody can be asked', async () => {
    fakeCore({ 'callbacks.check': () => ({ ok: false, line: 2, column: 4, message: 'SyntaxError' }) });
    expect(await checkSource('x')).toMatchObject({ line: 2, column: 4 });
    fakeCore({ 'callbacks.check': () => ({ ok: true, tensorInputs: [] }) });
    expect(await checkSource('x')).toBeNull();
    fakeCore();
    expect(await checkSource('x')).toBeNull();
  });
});
