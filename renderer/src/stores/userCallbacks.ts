import { createStore } from 'zustand/vanilla';
import type { CallOutput } from '../../../shared/contract.ts';
import { type UserCallback, maxCallbackLength } from '../../../shared/generation.ts';
import { callCore } from './core.ts';
import { formStore, setForm, type FormCallback } from './form.ts';
import { forgetRefusal } from './formChecks.ts';

/** As many as fit into a list that a person still oversees; not all of them are on. */
export const mostCallbacks = 32;
export const longestName = 80;

export interface CallbacksState {
  /** The one in the editor. */
  readonly editing: string | null;
}

export const callbacksStore = createStore<CallbacksState>(() => ({ editing: null }));

export function editCallback(id: string | null): void {
  callbacksStore.setState({ editing: id });
}

function change(edit: (callbacks: readonly FormCallback[]) => readonly FormCallback[]): void {
  forgetRefusal('callbacks');
  setForm({ callbacks: edit(formStore.getState().callbacks) });
}

/** A name that no other has: the sentences about a callback have nothing else to tell it by. */
export function freeName(name: string, callbacks: readonly Pick<FormCallback, 'name'>[]): string {
  const base = name.slice(0, longestName - 4);
  const isTaken = (candidate: string): boolean => callbacks.some((callback) => callback.name === candidate);
  for (let number = 1; ; number++) {
    const candidate = number === 1 ? base : `${base} ${String(number)}`;
    if (!isTaken(candidate)) return candidate;
  }
}

/** @returns the id of the new one, or null when the list is full */
export function addCallback(name: string, source: string): string | null {
  const { callbacks } = formStore.getState();
  if (callbacks.length >= mostCallbacks || source.length > maxCallbackLength) return null;
  const id = crypto.randomUUID();
  change((all) => [...all, { id, name: freeName(name, all), source, on: true }]);
  return id;
}

export function changeCallback(id: string, edit: Partial<Omit<FormCallback, 'id'>>): void {
  change((all) => all.map((callback) => (callback.id === id ? { ...callback, ...edit } : callback)));
}

/** @returns what puts it back where it was */
export function removeCallback(id: string): () => void {
  const before = formStore.getState().callbacks;
  const place = before.findIndex((callback) => callback.id === id);
  const removed = before[place];
  change((all) => all.filter((callback) => callback.id !== id));
  if (callbacksStore.getState().editing === id) editCallback(null);
  return () => {
    if (removed !== undefined) change((all) => (all.some((callback) => callback.id === id) ? all : all.toSpliced(place, 0, removed)));
  };
}

/** Callbacks are asked in the order of the list, and later ones win. */
export function moveCallback(id: string, to: number): void {
  change((all) => {
    const moved = all.find((callback) => callback.id === id);
    if (moved === undefined) return all;
    const others = all.filter((callback) => callback !== moved);
    return others.toSpliced(Math.min(Math.max(0, to), others.length), 0, moved);
  });
}

/** The list with exactly a picture's callbacks on, in its order; one that is not there any more comes back. */
export function takeCallbacks(callbacks: readonly FormCallback[], wanted: readonly UserCallback[]): readonly FormCallback[] {
  const used = new Set<string>();
  const on = wanted.map(({ name, source }): FormCallback => {
    const own = callbacks.find((callback) => !used.has(callback.id) && callback.source === source);
    if (own === undefined) return { id: crypto.randomUUID(), name, source, on: true };
    used.add(own.id);
    return { ...own, on: true };
  });
  const off = callbacks.filter(({ id }) => !used.has(id)).map((callback) => (callback.on ? { ...callback, on: false } : callback));
  return [...on, ...off];
}

export type SourceProblem = Extract<CallOutput<'callbacks.check'>, { ok: false }>;

/**
 * What a run would find wrong with a source before it begins; null when nothing, or when there is nobody to ask: the run
 * itself still asks.
 */
export async function checkSource(source: string): Promise<SourceProblem | null> {
  if (source.length > maxCallbackLength) return null;
  try {
    const checked = await callCore('callbacks.check', { source });
    return checked.ok ? null : checked;
  } catch {
    return null;
  }
}
