import { useMemo } from 'react';
import { useStore } from 'zustand';
import { useText, type Text } from '../../i18n/useText.ts';
import { compareStore } from '../../stores/compare.ts';
import { difference, type DifferenceFacts } from '../../stores/difference.ts';
import styles from './compare.module.css';
import { ComparedCaption } from './ComparedCaption.tsx';
import { PictureCanvas, type Layer } from './PictureCanvas.tsx';
import { sidesOf } from './softened.ts';
import type { PairProps } from './SplitView.tsx';
import { useImages } from './useImages.ts';
import { useViewControls } from './useViewControls.ts';

interface Measured {
  readonly facts: DifferenceFacts;
  readonly canvas: HTMLCanvasElement;
  readonly sameSides: boolean;
}

/** Where, and how much, two pictures differ: the absolute difference of every channel, amplified. */
export function DifferenceView({ left, right }: PairProps) {
  const text = useText();
  const { t } = text;
  const view = useStore(compareStore, (compare) => compare.view);
  const factor = useStore(compareStore, (compare) => compare.factor);
  const controls = useViewControls();
  const [a = null, b = null] = useImages([left.frame?.src ?? '', right.frame?.src ?? '']);
  const measured = useMemo(() => (a === null || b === null ? null : measure(a, b, factor)), [a, b, factor]);
  const layers = useMemo<readonly Layer[]>(() => [{ source: measured?.canvas ?? null, from: 0, to: 1 }], [measured]);
  return (
    <div className={styles.single} data-testid="compare-difference">
      <div className={styles.box} {...controls} tabIndex={0} role="group" aria-label={t('compare.area')}>
        <PictureCanvas layers={layers} view={view} alt={t('compare.differencePicture', { factor })} />
      </div>
      <p className={styles.facts} role="status" data-testid="difference-facts" data-most={measured?.facts.most}>
        {measured === null ? t('compare.missing') : factsText(measured, factor, text)}
      </p>
      <div className={styles.captions}>
        <ComparedCaption compared={left} />
        <ComparedCaption compared={right} />
      </div>
    </div>
  );
}

function factsText({ facts, sameSides }: Measured, factor: number, { t, format }: Text): string {
  if (facts.most === 0) return t('compare.identical');
  const values = { mean: format.number(facts.mean, 2), most: facts.most, share: format.percent(facts.share), factor };
  return `${t('compare.facts', values)}${sameSides ? '' : ` ${t('compare.sizes')}`}`;
}

/** Null where no canvas can be had. Of pictures of other sizes the smaller is enlarged to the larger. */
function measure(a: HTMLImageElement, b: HTMLImageElement, factor: number): Measured | null {
  const [one, other] = [sidesOf(a), sidesOf(b)];
  const width = Math.max(one.width, other.width);
  const height = Math.max(one.height, other.height);
  const [first, second] = [pixels(a, width, height), pixels(b, width, height)];
  if (first === null || second === null) return null;
  const { pixels: data, ...facts } = difference(first, second, factor);
  const canvas = document.createElement('canvas');
  canvas.width = width;
  canvas.height = height;
  canvas.getContext('2d')?.putImageData(new ImageData(data, width, height), 0, 0);
  return { facts, canvas, sameSides: one.width === other.width && one.height === other.height };
}

function pixels(image: HTMLImageElement, width: number, height: number): Uint8ClampedArray | null {
  const context = new OffscreenCanvas(width, height).getContext('2d', { willReadFrequently: true });
  if (context === null) return null;
  context.imageSmoothingQuality = 'high';
  context.drawImage(image, 0, 0, width, height);
  return context.getImageData(0, 0, width, height).data;
}
