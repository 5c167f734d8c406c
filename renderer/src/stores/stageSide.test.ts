import { afterEach, beforeEach, expect, it } from 'vitest';
import { picture } from '../testing/samples.ts';
import { appStore } from './app.ts';
import { canRun } from './commandActions.ts';
import { formStore, initialForm, setForm } from './form.ts';
import { stageSideStore, turnStage, watchStageSide } from './stageSide.ts';
import { followRuns, viewStore } from './view.ts';

const image = { id: 'a'.repeat(64), width: 64, height: 64 };
let stop: () => void = () => undefined;
const side = (): string => stageSideStore.getState().side;

beforeEach(() => {
  formStore.setState(initialForm, true);
  turnStage('result');
  stop = watchStageSide();
});

afterEach(() => stop());

it('turns to the start with a picture and with a tab, and to the result with a run or a look back', () => {
  setForm({ image });
  expect(side()).toBe('result');
  setForm({ task: 'inpaint' });
  expect(side()).toBe('start');
  followRuns();
  expect(side()).toBe('result');
  setForm({ image: { ...image, id: 'b'.repeat(64) } });
  expect(side()).toBe('start');
  viewStore.setState({ lookStep: 3 });
  expect(side()).toBe('result');
});

it('stays where it is while the form is filled in', () => {
  setForm({ task: 'inpaint', image });
  followRuns();
  setForm({ prompt: 'a house', mask: image, steps: '9' });
  expect(side()).toBe('result');
});

it('nothing is saved or copied that is out of sight', () => {
  appStore.setState({ info: { version: '1', host: 'web', platform: 'linux', canReveal: true, notices: [] } });
  viewStore.setState({ target: { kind: 'picture', picture: picture('p') } });
  setForm({ task: 'image-to-image', image });
  turnStage('result');
  for (const command of ['save-as', 'copy-picture', 'reveal'] as const) expect(canRun(command)).toBe(true);
  turnStage('start');
  for (const command of ['save-as', 'copy-picture', 'reveal'] as const) expect(canRun(command)).toBe(false);
});
