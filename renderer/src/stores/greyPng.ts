import type { MaskRaster } from './maskRaster.ts';

const signature = Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a);
/** Rows handed to the compressor at once. */
const rowsAtOnce = 256;

/** A mask as an 8-bit grey PNG. Compressed by the browser beside the page, so that painting goes on meanwhile. */
export async function encodeGreyPng(raster: MaskRaster): Promise<Blob> {
  const header = new Uint8Array(13);
  const view = new DataView(header.buffer);
  view.setUint32(0, raster.width);
  view.setUint32(4, raster.height);
  // 8 bits, grey, deflate, adaptive filters, not interlaced.
  header.set([8, 0, 0, 0, 0], 8);
  const body = await deflate(filteredRows(raster));
  return new Blob([signature, chunk('IHDR', header), chunk('IDAT', body), chunk('IEND', new Uint8Array(0))], { type: 'image/png' });
}

/** Rows behind their filter byte: 2 (up), which makes the large even areas of a mask zeros. */
function* filteredRows({ width, height, data }: MaskRaster): Generator<Uint8Array<ArrayBuffer>> {
  for (let first = 0; first < height; first += rowsAtOnce) {
    const rows = Math.min(rowsAtOnce, height - first);
    const bytes = new Uint8Array(rows * (width + 1));
    for (let row = 0; row < rows; row++) {
      const from = (first + row) * width;
      const to = row * (width + 1);
      bytes[to] = 2;
      for (let x = 0; x < width; x++) bytes[to + 1 + x] = (data[from + x] ?? 0) - (data[from + x - width] ?? 0);
    }
    yield bytes;
  }
}

async function deflate(parts: Iterable<Uint8Array<ArrayBuffer>>): Promise<Uint8Array<ArrayBuffer>> {
  // `deflate` is the zlib format, the one PNG wants.
  const stream = new CompressionStream('deflate');
  const written = (async () => {
    const writer = stream.writable.getWriter();
    for (const part of parts) await writer.write(part);
    await writer.close();
  })();
  const bytes = await new Response(stream.readable).arrayBuffer();
  await written;
  return new Uint8Array(bytes);
}

function chunk(type: string, data: Uint8Array): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(data.length + 12);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, data.length);
  for (let index = 0; index < 4; index++) bytes[4 + index] = type.charCodeAt(index);
  bytes.set(data, 8);
  view.setUint32(data.length + 8, crc32(bytes.subarray(4, data.length + 8)));
  return bytes;
}

const crcTable = Uint32Array.from({ length: 256 }, (_, byte) => {
  let value = byte;
  for (let bit = 0; bit < 8; bit++) value = (value & 1) === 0 ? value >>> 1 : (value >>> 1) ^ 0xedb88320;
  return value;
});

function crc32(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) crc = (crc >>> 8) ^ (crcTable[(crc ^ byte) & 0xff] ?? 0);
  return (crc ^ 0xffffffff) >>> 0;
}
