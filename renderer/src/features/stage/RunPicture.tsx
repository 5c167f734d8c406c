import type { CSSProperties } from 'react';
import { useStore } from 'zustand';
import { batchSize, type GenerationRequest } from '../../../../shared/generation.ts';
import type { JobSnapshot, Picture, Preview, Region } from '../../../../shared/job.ts';
import { useText } from '../../i18n/useText.ts';
import { inputUrl } from '../../stores/sendInput.ts';
import type { ShownFrame } from '../../stores/shownFrame.ts';
import { noteOnScreen, stageSideStore } from '../../stores/stageSide.ts';
import { requestPlan } from '../../stores/stepPlan.ts';
import { Frame } from '../../ui/Frame.tsx';
import styles from './picture.module.css';

export interface RunPictureProps {
  readonly request: GenerationRequest;
  readonly job: JobSnapshot | null;
  readonly picture: Picture | null;
  readonly frame: ShownFrame | null;
}

/**
 * A run's newest frame. One that starts from a picture develops in its place: over the picture, within the region that is
 * drawn, and only where the mask lets it.
 */
export function RunPicture({ request, job, picture, frame }: RunPictureProps) {
  const { t } = useText();
  const comparing = useStore(stageSideStore, (stage) => stage.comparing);
  const together = batchSize(request) > 1;
  // Nothing else is laid out by what is on the screen.
  const follows = together || request.image !== null;
  const onScreen = useStore(stageSideStore, (stage) => (follows ? stage.onScreen : ''));
  // Styles follow the frame that is really there, not the one being loaded.
  const preview = job?.previews.find(({ url }) => url === onScreen) ?? null;
  const start = together && !comparing ? null : request.image;
  const total = picture?.numTimesteps ?? job?.numTimesteps ?? requestPlan(request).calls;
  const alt = frame === null || frame.step === null ? captionOf(request.prompt, t('canvas.noPrompt')) : t('canvas.previewAlt', { step: frame.step, total });
  const within = preview === null || together || request.image === null ? null : preview.region;
  return (
    <div className={styles.box} style={{ '--aspect': String(aspectOf(request, picture, preview, together)) } as CSSProperties}>
      {start === null || (picture !== null && frame?.step === null && !comparing) ? null : (
        <img className={styles.layer} src={inputUrl(start.id)} alt={comparing ? t('start.label') : ''} draggable={false} data-testid="start-layer" />
      )}
      {frame === null ? null : (
        <div className={`${styles.layer ?? ''} ${styles.over ?? ''}`} style={preview === null || together ? {} : maskStyle(request)} data-away={comparing ? '' : undefined}>
          <div className={styles.place} style={placeOf(within, request)}>
            <Frame src={frame.src} stream={frame.stream} alt={alt} className={styles.frame} onShown={noteOnScreen} />
          </div>
        </div>
      )}
    </div>
  );
}

/** A finished picture, and a run that draws a part of its picture, keep the picture's shape; a batch is laid out by the engine. */
function aspectOf(request: GenerationRequest, picture: Picture | null, preview: Preview | null, together: boolean): number {
  if (preview !== null && together) return preview.width / preview.height;
  const sides = picture ?? (request.maskPadding !== null ? request.image : null) ?? request;
  return sides.width / sides.height;
}

function maskStyle({ mask, keepUnmasked }: GenerationRequest): CSSProperties {
  if (mask === null || !keepUnmasked) return {};
  return { maskImage: `url("${inputUrl(mask.id)}")`, maskMode: 'luminance', maskSize: '100% 100%' };
}

function placeOf(region: Region | null, { image }: GenerationRequest): CSSProperties {
  if (region === null || image === null) return { inset: 0 };
  const share = (pixels: number, of: number): string => `${String((100 * pixels) / of)}%`;
  return {
    left: share(region.left, image.width),
    top: share(region.top, image.height),
    width: share(region.width, image.width),
    height: share(region.height, image.height),
  };
}

function captionOf(prompt: string, fallback: string): string {
  return prompt.trim() === '' ? fallback : prompt;
}
