import { createStore } from 'zustand/vanilla';
import type { EventValue } from '../../../shared/contract.ts';

/** A failure as it comes over the border. */
export type ShownFailure = EventValue<'notice'>;

export type NoticeText =
  | { readonly kind: 'message'; readonly key: NoticeKey; readonly values: Readonly<Record<string, string | number>> }
  | { readonly kind: 'failure'; readonly failure: ShownFailure };

export type NoticeKey = 'callbackRemoved' | 'loraRemoved' | 'deleted' | 'copied' | 'saved' | 'copyFailed' | 'seedTaken' | 'settingsTaken' | 'steeringTaken' | 'steerRefused' | 'queueCleared' | 'startTaken' | 'startRemoved' | 'compareFull' | 'logCopied' | 'modelAdded' | 'modelReady' | 'modelDeleted' | 'modelForgotten';

export interface Notice {
  readonly id: number;
  readonly tone: 'quiet' | 'error';
  readonly text: NoticeText;
  readonly undo: (() => void) | null;
}

export interface NoticesState {
  readonly notices: readonly Notice[];
}

export const noticesStore = createStore<NoticesState>(() => ({ notices: [] }));

const mostShown = 3;
let nextId = 1;

/** Remarks on the form as a whole: a newer one makes the older one untrue. A deleted picture is another picture each time. */
const ofTheForm: readonly NoticeKey[] = ['startTaken', 'startRemoved', 'settingsTaken', 'steeringTaken'];

function isOfTheForm({ text }: Pick<Notice, 'text'>): boolean {
  return text.kind === 'message' && ofTheForm.includes(text.key);
}

function replaces(notice: Omit<Notice, 'id'>, shown: Notice): boolean {
  return isOfTheForm(notice) && isOfTheForm(shown);
}

function push(notice: Omit<Notice, 'id'>): void {
  noticesStore.setState((state) => {
    // A passing remark makes room for the next one; what can be undone, and errors, stay.
    const staying = state.notices.filter((shown) => shown.tone === 'error' || (shown.undo !== null && !replaces(notice, shown)));
    return { notices: [...staying, { ...notice, id: nextId++ }].slice(-mostShown) };
  });
}

export function notify(key: NoticeKey, values: Record<string, string | number> = {}, undo: (() => void) | null = null): void {
  push({ tone: 'quiet', text: { kind: 'message', key, values }, undo });
}

/** Something went otherwise than asked for; it stays until it is dismissed. */
export function warn(key: NoticeKey, values: Record<string, string | number>): void {
  push({ tone: 'error', text: { kind: 'message', key, values }, undo: null });
}

export function notifyFailure(failure: ShownFailure): void {
  push({ tone: 'error', text: { kind: 'failure', failure }, undo: null });
}

/** Work goes on with what the form took: the offer to take it back stands in the way. */
export function settleNotices(): void {
  noticesStore.setState((state) => (state.notices.some(isOfTheForm) ? { notices: state.notices.filter((notice) => !isOfTheForm(notice)) } : state));
}

export function dismissNotice(id: number): void {
  noticesStore.setState((state) => ({ notices: state.notices.filter((notice) => notice.id !== id) }));
}
