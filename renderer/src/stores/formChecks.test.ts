import { beforeEach, describe, expect, it } from 'vitest';
import type { Failure } from '../../../shared/errors.ts';
import { model } from '../testing/samples.ts';
import { appStore } from './app.ts';
import { formForModel, formStore, initialForm, setForm } from './form.ts';
import { checkAll, fieldOf, formChecksStore, noteSent, refuseField, refuseSent } from './formChecks.ts';

beforeEach(() => {
  appStore.setState({ models: [model] });
  formStore.setState({ ...initialForm, ...formForModel(model) }, true);
  formChecksStore.setState(formChecksStore.getInitialState(), true);
});

const refusal = (field: string): Failure => ({ code: 'INVALID_INPUT', message: `${field}: not so`, field });

describe('the field of a refusal', () => {
  it.each([
    ['width', 'width'],
    ['request.steps', 'steps'],
    ['image.id', 'image'],
    ['timesteps.3', 'timesteps'],
    ['guidanceInterval.sigmaLow', 'sigmaLow'],
    ['guidanceInterval', 'sigmaHigh'],
    ['guidanceEnd.steps', 'cutoff'],
    ['noise.sms', 'sms'],
    ['noise.threadsPerSm', 'threadsPerSm'],
    ['imagesPerPrompt', 'count'],
    ['morePrompts.1', 'morePrompts'],
    ['microConditioning.cropTopLeft.top', 'cropTopLeft'],
    ['microConditioning', 'originalSize'],
    ['task', 'modelId'],
    ['nothing', null],
    ['', null],
  ])('%s is %s', (path, field) => {
    expect(fieldOf(path)).toBe(field);
  });

  it('is the part of the guidance curve that is on screen', () => {
    setForm({ guidanceCurve: 'list' });
    expect(fieldOf('guidanceCurve.scales.0')).toBe('guidanceScales');
    setForm({ guidanceCurve: 'linear' });
    expect(fieldOf('guidanceCurve.to')).toBe('guidanceTo');
  });
});

describe('what is wrong in the Advanced section', () => {
  it('opens it', () => {
    setForm({ clipSkip: '99' });
    expect(checkAll()).toBe(false);
    expect(formStore.getState().advancedOpen).toBe(true);
  });

  it('opens it when the core refuses it', () => {
    expect(refuseField(refusal('sigmas'))).toBe(true);
    expect(formStore.getState().advancedOpen).toBe(true);
    expect(formChecksStore.getState()).toMatchObject({ refused: { sigmas: { key: 'text', message: 'Not so' } }, attempts: 1 });
  });

  it('leaves it closed for anything else', () => {
    setForm({ steps: '0' });
    expect(checkAll()).toBe(false);
    expect(formStore.getState().advancedOpen).toBe(false);
  });
});

describe('a run that fails for its settings', () => {
  it('takes its failure to the field, without turning the form to it', () => {
    setForm({ clipSkip: '5' });
    noteSent(['a'], formStore.getState());
    refuseSent('a', refusal('clipSkip'));
    expect(formChecksStore.getState()).toMatchObject({ refused: { clipSkip: { key: 'text' } }, attempts: 0 });
  });

  it('says nothing at a field that says something else by now', () => {
    setForm({ clipSkip: '5' });
    noteSent(['a'], formStore.getState());
    setForm({ clipSkip: '1' });
    refuseSent('a', refusal('clipSkip'));
    expect(formChecksStore.getState().refused).toEqual({});
  });

  it('says nothing when it was not sent from here, or failed for another reason', () => {
    refuseSent('b', refusal('clipSkip'));
    noteSent(['a'], formStore.getState());
    refuseSent('a', { code: 'ENGINE_CRASH', message: 'gone', field: 'clipSkip' });
    expect(formChecksStore.getState().refused).toEqual({});
  });
});
