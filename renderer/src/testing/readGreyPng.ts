import type { MaskRaster } from '../stores/maskRaster.ts';

const upFilter = 2;

/** Reads an 8-bit grey PNG whose rows are all filtered by "up" (PNG 3rd edition, 9.2). */
export async function readGreyPng(bytes: Uint8Array): Promise<MaskRaster> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const body: BlobPart[] = [];
  for (let at = 8; at < bytes.length; at += 12 + view.getUint32(at)) {
    const type = String.fromCharCode(...bytes.subarray(at + 4, at + 8));
    if (type === 'IDAT') body.push(Uint8Array.from(bytes.subarray(at + 8, at + 8 + view.getUint32(at))));
  }
  const width = view.getUint32(16);
  const height = view.getUint32(20);
  const stream = new Response(new Blob(body)).body?.pipeThrough(new DecompressionStream('deflate'));
  const rows = new Uint8Array(await new Response(stream ?? null).arrayBuffer());
  const data = new Uint8Array(width * height);
  for (let y = 0; y < height; y++) {
    if (rows[y * (width + 1)] !== upFilter) throw new Error(`Row ${String(y)} has another filter.`);
    for (let x = 0; x < width; x++) data[y * width + x] = (rows[y * (width + 1) + 1 + x] ?? 0) + (y === 0 ? 0 : (data[(y - 1) * width + x] ?? 0));
  }
  return { width, height, data };
}
