import { createStore } from 'zustand/vanilla';
import type { EventValue } from '../../../shared/contract.ts';
import type { Picture } from '../../../shared/job.ts';

export interface LibraryState {
  /** Newest first. */
  readonly pictures: readonly Picture[];
  /** The `before` of the following page; null when all is here. */
  readonly next: string | null;
  readonly total: number;
  readonly loading: boolean;
  readonly failed: boolean;
}

export const initialLibrary: LibraryState = { pictures: [], next: null, total: 0, loading: true, failed: false };

export const libraryStore = createStore<LibraryState>(() => initialLibrary);

export interface LibraryPage {
  readonly pictures: readonly Picture[];
  readonly next: string | null;
  readonly total: number;
}

/** A page read from the core, put behind (or, after a reconnect, in place of) what is here. */
export function withPage(state: LibraryState, page: LibraryPage, from: 'start' | 'end'): LibraryState {
  const pictures = from === 'start' ? page.pictures : merge(state.pictures, page.pictures);
  return { pictures, next: page.next, total: page.total, loading: false, failed: false };
}

export function withLibraryEvent(state: LibraryState, event: EventValue<'library'>): LibraryState {
  if (event.kind === 'removed') {
    const pictures = state.pictures.filter((picture) => picture.id !== event.id);
    const gone = state.pictures.length - pictures.length;
    return { ...state, pictures, total: Math.max(0, state.total - gone) };
  }
  if (state.pictures.some((picture) => picture.id === event.picture.id)) return state;
  return { ...state, pictures: merge(state.pictures, [event.picture]), total: state.total + 1 };
}

function merge(known: readonly Picture[], more: readonly Picture[]): readonly Picture[] {
  const ids = new Set(known.map((picture) => picture.id));
  const all = [...known, ...more.filter((picture) => !ids.has(picture.id))];
  return all.sort((a, b) => (a.createdAt === b.createdAt ? 0 : a.createdAt < b.createdAt ? 1 : -1));
}
