import type { CSSProperties } from 'react';
import { useStore } from 'zustand';
import type { InputImage } from '../../../../shared/generation.ts';
import { formStore } from '../../stores/form.ts';
import { maskStore } from '../../stores/mask.ts';
import { maskCropRegion } from '../../stores/maskCrop.ts';
import { readInteger } from '../../stores/readText.ts';
import styles from './CropOutline.module.css';
import { surfaceStore } from './surfaceStore.ts';

/** The part of the picture that is drawn, where only the mask's surroundings are. */
export function CropOutline({ image }: { readonly image: InputImage }) {
  const padding = useStore(formStore, (form) => (form.maskPadding === null ? null : readInteger(form.maskPadding, 0, 1024)));
  const width = useStore(formStore, (form) => readInteger(form.width, 1, 16_384));
  const height = useStore(formStore, (form) => readInteger(form.height, 1, 16_384));
  const bounds = useStore(maskStore, (mask) => mask.bounds);
  const scale = useStore(surfaceStore, (surface) => surface.scale);
  if (padding === null || width === null || height === null || bounds === null) return null;
  const region = maskCropRegion(bounds, image, { width, height }, padding);
  const place = { x: region.left, y: region.top, width: region.width, height: region.height };
  return (
    <svg className={styles.outline} viewBox={`0 0 ${String(image.width)} ${String(image.height)}`} preserveAspectRatio="none" style={{ '--pixel': 1 / scale } as CSSProperties} data-testid="mask-crop" aria-hidden>
      <rect className={styles.ground} {...place} />
      <rect className={styles.line} {...place} />
    </svg>
  );
}
