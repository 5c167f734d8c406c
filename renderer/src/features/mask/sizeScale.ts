import { brushSizes } from '../../stores/maskTools.ts';

/** Places of the size slider; they stand for sizes on a logarithmic scale, so that small brushes get their share of it. */
export const sliderSteps = 100;

const span = Math.log(brushSizes.max / brushSizes.min);

export function sizeFromSlider(at: number): number {
  return Math.round(brushSizes.min * Math.exp((at / sliderSteps) * span));
}

export function sliderFromSize(size: number): number {
  return Math.round((Math.log(size / brushSizes.min) / span) * sliderSteps);
}
