import { cleanup, render, screen } from '@testing-library/react';
import { afterEach, describe, expect, it } from 'vitest';
import { changeLanguage, startLanguage } from '../../i18n/i18n.ts';
import type { Notice } from '../../stores/notices.ts';
import { NoticeItem } from './NoticeItem.tsx';

afterEach(cleanup);

const notice: Notice = {
  id: 1,
  tone: 'error',
  text: {
    kind: 'failure',
    failure: { code: 'FILE_ACCESS', message: 'The settings file was set aside as /data/x.json.', nextStep: 'Choose your settings again.' },
  },
  undo: null,
};

describe('a notice of a failure', () => {
  it('says in English what the core says', async () => {
    await startLanguage('en');
    render(<NoticeItem notice={notice} />);
    const text = screen.getByRole('alert').textContent;
    expect(text).toContain('A file could not be read or written.');
    expect(text).toContain('set aside as /data/x.json');
    expect(text).toContain('Choose your settings again.');
  });

  it('mixes no English into another language; the words of the core are among the details', async () => {
    await changeLanguage('zh-CN');
    render(<NoticeItem notice={notice} />);
    const words = screen.getByRole('alert').cloneNode(true);
    if (!(words instanceof HTMLElement)) throw new Error('no notice');
    expect(words.querySelector('details')?.textContent).toContain('set aside as /data/x.json');
    words.querySelector('details')?.remove();
    expect(words.textContent).not.toMatch(/[A-Za-z]{3}/);
  });
});
