import { useEffect, useRef, useState } from 'react';

/** The value as it was at most `everyMs` ago: it changes that often, and in a frame of its own. */
export function useRested<T>(value: T, everyMs: number): T {
  const [rested, setRested] = useState(() => value);
  const newest = useRef(value);
  const timer = useRef<number | undefined>(undefined);
  useEffect(() => {
    newest.current = value;
    if (value === rested) return;
    timer.current ??= window.setTimeout(() => {
      timer.current = undefined;
      setRested(() => newest.current);
    }, everyMs);
  }, [value, rested, everyMs]);
  useEffect(
    () => () => {
      window.clearTimeout(timer.current);
      timer.current = undefined;
    },
    [],
  );
  return rested;
}
