import { checkInputSize, damaged } from './pictureError.ts';

/** What IHDR says (PNG specification, 11.2.2). */
export interface PngHeader {
  readonly width: number;
  readonly height: number;
  /** Bits a sample: 1, 2, 4, 8 or 16. */
  readonly depth: number;
  /** 0 grey, 2 RGB, 3 palette, 4 grey and alpha, 6 RGB and alpha. */
  readonly colourType: number;
  readonly interlaced: boolean;
  /** Samples a pixel. */
  readonly samples: 1 | 2 | 3 | 4;
}

/** PNG specification, table 11.1: colour type -> samples a pixel, and the depths it allows. */
const colourTypes: ReadonlyMap<number, { readonly samples: PngHeader['samples']; readonly depths: readonly number[] }> = new Map([
  [0, { samples: 1, depths: [1, 2, 4, 8, 16] }],
  [2, { samples: 3, depths: [8, 16] }],
  [3, { samples: 1, depths: [1, 2, 4, 8] }],
  [4, { samples: 2, depths: [8, 16] }],
  [6, { samples: 4, depths: [8, 16] }],
]);

/** @throws PictureError for what no PNG has, and for a size that is not read. */
export function readPngHeader({ type, data }: { type: string; data: Buffer }): PngHeader {
  if (type !== 'IHDR' || data.length !== 13) throw damaged('it does not begin with a header');
  const [depth = 0, colourType = 0, compression, filter, interlace = 0] = data.subarray(8);
  const known = colourTypes.get(colourType);
  if (known?.depths.includes(depth) !== true || compression !== 0 || filter !== 0 || interlace > 1) {
    throw damaged('its header asks for what no PNG has');
  }
  const [width, height] = [data.readUInt32BE(0), data.readUInt32BE(4)];
  checkInputSize(width, height);
  return { width, height, depth, colourType, interlaced: interlace === 1, samples: known.samples };
}
