import type { EventName, EventValue } from '../../shared/contract.ts';
import type { EventListener } from '../../shared/rpc.ts';

/** Carries everything core announces to whoever is connected. */
export interface EventHub {
  emit<N extends EventName>(name: N, value: EventValue<N>): void;
  /** @returns stops listening. */
  on(listener: EventListener): () => void;
}

export function createEventHub(): EventHub {
  const listeners = new Set<EventListener>();
  return {
    emit: (name, value) => {
      for (const listener of [...listeners]) listener(name, value);
    },
    on: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}
