/** npm passes on to its child the very signal that the terminal has already given it. */
const samePressMs = 500;

/**
 * A listener for SIGINT that tells a second press of Ctrl+C from the first one heard twice.
 * @param onFirst once, at the first press
 * @param onSecond at every later one
 */
export function ctrlC(onFirst: () => void, onSecond: () => void, now: () => number = () => performance.now()): () => void {
  let pressed: number | null = null;
  return () => {
    if (pressed === null) {
      pressed = now();
      onFirst();
    } else if (now() - pressed > samePressMs) {
      onSecond();
    }
  };
}
