import { act, cleanup, fireEvent, render, screen } from '@testing-library/react';
import { afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import { startLanguage } from '../../../i18n/i18n.ts';
import { appStore } from '../../../stores/app.ts';
import { formForModel, formStore, initialForm, setForm } from '../../../stores/form.ts';
import { formChecksStore } from '../../../stores/formChecks.ts';
import { checkForm } from '../../../stores/formErrors.ts';
import { toRequest } from '../../../stores/formRequest.ts';
import { model } from '../../../testing/samples.ts';
import { GuidanceSettings } from './GuidanceSettings.tsx';

const own = { ...model, id: 'own', takesLoras: true };

beforeAll(() => startLanguage('en'));
beforeEach(() => {
  appStore.setState({ models: [model, own] });
  formStore.setState({ ...initialForm, ...formForModel(model), prompt: 'a house' }, true);
  formChecksStore.setState(formChecksStore.getInitialState(), true);
});
afterEach(cleanup);

const choice = (): HTMLSelectElement => screen.getByRole<HTMLSelectElement>('combobox', { name: /Draft/ });
const offered = (): string[] => [...choice().options].map(({ text }) => text);

it('offers deep features only of a model whose graphs give them', () => {
  render(<GuidanceSettings curve={null} />);
  expect(offered()).toEqual(['None', 'Reuse unconditional', 'Skip settled steps']);
  act(() => setForm({ modelId: 'own' }));
  expect(offered()).toEqual(['None', 'Reuse unconditional', 'Reuse deep features (fast)', 'Skip settled steps']);
});

it('asks for them with their interval', () => {
  setForm({ modelId: 'own' });
  render(<GuidanceSettings curve={null} />);
  fireEvent.change(choice(), { target: { value: 'features' } });
  fireEvent.change(screen.getByRole('spinbutton', { name: 'Whole UNet every … steps' }), { target: { value: '3' } });
  expect(toRequest(formStore.getState(), own, '1').reuse).toEqual({ kind: 'features', every: 3 });
  expect(checkForm(formStore.getState(), own).reuseEvery).toBeUndefined();
  fireEvent.change(screen.getByRole('spinbutton', { name: 'Whole UNet every … steps' }), { target: { value: '11' } });
  expect(checkForm(formStore.getState(), own).reuseEvery).toEqual({ key: 'wholeNumber', min: 2, max: 10 });
});

it('keeps the choice for another model, and says that this one cannot', () => {
  setForm({ reuse: 'features' });
  formChecksStore.setState({ all: true });
  render(<GuidanceSettings curve={null} />);
  expect(choice().value).toBe('features');
  expect(screen.getByText(/^This model gives no deep features/)).toBeTruthy();
});
