import type { Failure } from '../../shared/errors.ts';
import type { EventHub } from './events.ts';

/** Things a person should know that belong to no job, kept until a window has asked for them. */
export interface Notices {
  add(failure: Failure): void;
  list(): Failure[];
}

export function createNotices(events: EventHub): Notices {
  const kept: Failure[] = [];
  return {
    add: (failure) => {
      kept.push(failure);
      events.emit('notice', failure);
    },
    list: () => [...kept],
  };
}
