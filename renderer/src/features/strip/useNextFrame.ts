import { useEffect, useState } from 'react';

/** The value, one frame later where it takes the place of another; what comes or goes is told at once. */
export function useNextFrame<T>(value: T | null): T | null {
  const [shown, setShown] = useState(() => value);
  useEffect(() => {
    if (value === shown) return undefined;
    const planned = requestAnimationFrame(() => setShown(() => value));
    return () => cancelAnimationFrame(planned);
  }, [value, shown]);
  return value === null || shown === null ? value : shown;
}
