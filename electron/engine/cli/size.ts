import type { InputImage } from '../../../shared/generation.ts';
import type { ModelDefaults } from './defaults.ts';
import type { Given } from './options.ts';
import { refuse, whole } from './values.ts';

/** Sides a request may have; see shared/generation.ts. */
const least = 64;
const most = 2048;

interface ChosenSize {
  readonly width: number;
  readonly height: number;
  readonly notes: readonly string[];
}

/**
 * The size of the drawing: as given, else the picture's floored to what the model draws, else the model's own. Where only
 * the surroundings of a mask are drawn, the picture's size says nothing of the drawing's: then the model's own.
 * @throws ArgumentError when the picture's size cannot be drawn.
 */
export function chooseSize(given: Given, defaults: ModelDefaults, image: InputImage | null): ChosenSize {
  const width = whole(given, 'width');
  const height = whole(given, 'height');
  if (image === null || given['mask-padding'] !== undefined) {
    return { width: width ?? defaults.width, height: height ?? defaults.height, notes: [] };
  }
  const floored = (side: number): number => side - (side % defaults.sizeMultiple);
  const chosen = { width: width ?? floored(image.width), height: height ?? floored(image.height) };
  for (const side of ['width', 'height'] as const) {
    if (given[side] !== undefined || (chosen[side] >= least && chosen[side] <= most)) continue;
    refuse('init', `its ${side} of ${image[side]} pixels cannot be drawn (${least} to ${most}). Give --width and --height.`);
  }
  const isFloored = (width === null && chosen.width !== image.width) || (height === null && chosen.height !== image.height);
  const note = `--init: ${image.width} x ${image.height} pixels are drawn as ${chosen.width} x ${chosen.height}, sides that are multiples of ${defaults.sizeMultiple}.`;
  return { ...chosen, notes: isFloored ? [note] : [] };
}
