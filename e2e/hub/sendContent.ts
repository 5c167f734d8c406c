import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Content } from './content.ts';
import type { Misdeed } from './faults.ts';

/** Bytes written at once. */
const pieceBytes = 16 * 1024;

/** Sends a file as a good server does, or with one of the misdeeds that concern its bytes. */
export async function sendContent(
  content: Content,
  ownEtag: string,
  misdeed: Misdeed | null,
  request: IncomingMessage,
  response: ServerResponse,
  { bytesPerSecond, heldAt }: { readonly bytesPerSecond: number | null; readonly heldAt: () => number | null },
): Promise<void> {
  const etag = misdeed?.kind === 'other-etag' ? misdeed.etag : ownEtag;
  const ifRange = request.headers['if-range'];
  const range = /^bytes=(\d+)-$/.exec(request.headers.range ?? '');
  const isPart = range !== null && misdeed?.kind !== 'ignore-range' && (ifRange === undefined || ifRange === etag);
  let from = isPart ? Number(range[1]) : 0;
  if (isPart && from >= content.bytes) return void response.writeHead(416, { 'content-range': `bytes */${content.bytes}` }).end();
  if (misdeed?.kind === 'wrong-range') from = 0;
  if (misdeed?.kind !== 'no-etag') response.setHeader('etag', etag);
  response.setHeader('accept-ranges', 'bytes');
  if (isPart) response.setHeader('content-range', `bytes ${from}-${content.bytes - 1}/${content.bytes}`);
  if (misdeed?.kind !== 'too-long') response.setHeader('content-length', String(content.bytes - from));
  response.writeHead(isPart ? 206 : 200, { 'content-type': 'application/octet-stream' });
  const limit = misdeed?.kind === 'reset' || misdeed?.kind === 'stall' ? from + misdeed.afterBytes : content.bytes;
  const end = Math.min(limit, content.bytes);
  const began = performance.now();
  for (let at = from; at < end; at += pieceBytes) {
    while (at >= (heldAt() ?? Infinity) && !response.destroyed) await new Promise((done) => setTimeout(done, 5));
    const bytes = Uint8Array.from(content.read(at, Math.min(at + pieceBytes, end)));
    if (misdeed?.kind === 'corrupt' && misdeed.byte >= at && misdeed.byte < at + bytes.length) bytes[misdeed.byte - at] = (bytes[misdeed.byte - at] ?? 0) ^ 1;
    if (response.destroyed) return;
    if (!response.write(bytes)) await room(response);
    if (bytesPerSecond !== null) {
      const ahead = ((at + bytes.length - from) / bytesPerSecond) * 1000 - (performance.now() - began);
      if (ahead > 1) await new Promise((done) => setTimeout(done, ahead));
    }
  }
  if (misdeed?.kind === 'stall') return;
  if (misdeed?.kind === 'reset') {
    // What was written must have arrived first: a reset throws away what the other side has not read.
    setTimeout(() => response.socket?.resetAndDestroy(), 100);
    return;
  }
  response.end(misdeed?.kind === 'too-long' ? Buffer.alloc(misdeed.bytes) : undefined);
}

/** Until more can be written, or nobody listens any more. */
function room(response: ServerResponse): Promise<void> {
  return new Promise((done) => {
    const go = (): void => {
      response.off('drain', go).off('close', go);
      done();
    };
    response.on('drain', go).on('close', go);
  });
}
