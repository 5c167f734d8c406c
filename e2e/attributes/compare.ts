import type { RgbImage } from '../../shared/engineProtocol.ts';

/** Peak signal-to-noise ratio over all channels, in dB; 99 for pictures that are the same. */
export function psnr(a: RgbImage, b: RgbImage): number {
  let squares = 0;
  a.rgb.forEach((value, index) => {
    squares += (value - (b.rgb[index] ?? 0)) ** 2;
  });
  return squares === 0 ? 99 : 10 * Math.log10((255 * 255 * a.rgb.length) / squares);
}

function luma({ rgb }: RgbImage): Float64Array {
  return Float64Array.from({ length: rgb.length / 3 }, (_, pixel) => {
    const [red = 0, green = 0, blue = 0] = rgb.subarray(3 * pixel, 3 * pixel + 3);
    return 0.299 * red + 0.587 * green + 0.114 * blue;
  });
}

const side = 8;
const stride = 4;

/** Structural similarity of the luma (Wang et al. 2004) over plain windows of 8 x 8, four pixels apart. */
export function ssim(a: RgbImage, b: RgbImage): number {
  const [x, y] = [luma(a), luma(b)];
  const [c1, c2] = [(0.01 * 255) ** 2, (0.03 * 255) ** 2];
  let sum = 0;
  let windows = 0;
  for (let top = 0; top + side <= a.height; top += stride) {
    for (let left = 0; left + side <= a.width; left += stride) {
      let [sx, sy, sxx, syy, sxy] = [0, 0, 0, 0, 0];
      for (let row = top; row < top + side; row++) {
        for (let column = left; column < left + side; column++) {
          const [p, q] = [x[row * a.width + column] ?? 0, y[row * a.width + column] ?? 0];
          sx += p;
          sy += q;
          sxx += p * p;
          syy += q * q;
          sxy += p * q;
        }
      }
      const n = side * side;
      const [mx, my] = [sx / n, sy / n];
      const [vx, vy, both] = [sxx / n - mx * mx, syy / n - my * my, sxy / n - mx * my];
      sum += ((2 * mx * my + c1) * (2 * both + c2)) / ((mx * mx + my * my + c1) * (vx + vy + c2));
      windows++;
    }
  }
  return sum / windows;
}
