import { describe, expect, it } from 'vitest';
import { picture } from '../testing/samples.ts';
import { initialLibrary, withLibraryEvent, withPage } from './library.ts';

const older = picture('a', { createdAt: '2026-01-01T00:00:00.000Z' });
const newer = picture('b', { createdAt: '2026-01-02T00:00:00.000Z' });

describe('the library', () => {
  it('stands newest first, whatever comes when', () => {
    const page = withPage(initialLibrary, { pictures: [older], next: null, total: 1 }, 'start');
    const added = withLibraryEvent(page, { kind: 'added', picture: newer });
    expect(added.pictures.map(({ id }) => id)).toEqual(['b', 'a']);
    expect(added.total).toBe(2);
  });

  it('takes a picture once', () => {
    const page = withPage(initialLibrary, { pictures: [newer], next: 'b', total: 2 }, 'start');
    expect(withLibraryEvent(page, { kind: 'added', picture: newer })).toBe(page);
    expect(withPage(page, { pictures: [newer, older], next: null, total: 2 }, 'end').pictures).toHaveLength(2);
  });

  it('lets a picture go', () => {
    const page = withPage(initialLibrary, { pictures: [newer, older], next: null, total: 2 }, 'start');
    expect(withLibraryEvent(page, { kind: 'removed', id: 'b' })).toMatchObject({ pictures: [older], total: 1 });
  });
});
