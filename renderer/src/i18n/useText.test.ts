import { act, cleanup, renderHook } from '@testing-library/react';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { changeLanguage, startLanguage } from './i18n.ts';
import { useText } from './useText.ts';

beforeAll(() => startLanguage('en'));

afterEach(async () => {
  cleanup();
  await changeLanguage('en');
});

describe('the texts of the page', () => {
  it('are the same for every component, with each its own values', () => {
    const [a, b] = [renderHook(useText), renderHook(useText)];
    expect(a.result.current).toBe(b.result.current);
    const { t } = a.result.current;
    expect([1, 2, 1].map((step) => t('strip.step', { step, total: 3 }))).toEqual(['Step 1 of 3, guided', 'Step 2 of 3, guided', 'Step 1 of 3, guided']);
    expect([1, 2, 1].map((count) => t('form.modelCalls', { count }))).toEqual(['1 model call', '2 model calls', '1 model call']);
  });

  it('follow the language', async () => {
    const { result } = renderHook(useText);
    expect(result.current.t('strip.off')).toBe('off');
    await act(() => changeLanguage('zh-CN'));
    expect(result.current.t('strip.off')).not.toBe('off');
    expect(result.current.format.number(1.5)).toBe('1.5');
  });
});
