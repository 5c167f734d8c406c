const pageBytes = 65_536;

/** The part of a `WebAssembly.Memory` that is used. */
interface Memory {
  readonly buffer: ArrayBufferLike;
  grow(pages: number): number;
}

/**
 * QuickJS's own memory limit counts no sizes in a WebAssembly build (it has no `malloc_usable_size`), so growth is held
 * back where it happens: a `grow` that throws is a failed allocation to the interpreter.
 * @returns whether the limit has been met
 */
export function capMemory(memory: Memory, limitMiB: number): () => boolean {
  const grow = memory.grow.bind(memory);
  const most = (limitMiB * 2 ** 20) / pageBytes;
  let full = false;
  Object.defineProperty(memory, 'grow', {
    value: (pages: number): number => {
      if (memory.buffer.byteLength / pageBytes + pages > most) {
        full = true;
        throw new RangeError('The interpreter may not have more memory.');
      }
      return grow(pages);
    },
  });
  return () => full;
}
