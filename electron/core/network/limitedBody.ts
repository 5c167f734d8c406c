import { StopbathError } from '../../../shared/errors.ts';

/** The answer with a body that fails past `limit` bytes: a server's JSON cannot fill the memory. */
export function limited(response: Response, limit: number): Response {
  if (response.body === null) return response;
  let bytes = 0;
  const guard = new TransformStream<Uint8Array, Uint8Array>({
    transform: (chunk, controller) => {
      bytes += chunk.byteLength;
      if (bytes > limit) {
        throw new StopbathError({
          code: 'NETWORK',
          message: `${URL.parse(response.url)?.host ?? 'The server'} answered with more than ${Math.round(limit / 2 ** 20)} MiB where a short answer belongs.`,
          nextStep: 'Try again later.',
        });
      }
      controller.enqueue(chunk);
    },
  });
  const { status, statusText, headers, url } = response;
  const copy = new Response(response.body.pipeThrough(guard), { status, statusText, headers });
  Object.defineProperty(copy, 'url', { value: url });
  return copy;
}
