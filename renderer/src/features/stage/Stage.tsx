import { useState, type CSSProperties } from 'react';
import { useStore } from 'zustand';
import { useText } from '../../i18n/useText.ts';
import { shownFrame } from '../../stores/shownFrame.ts';
import { useShownJob, useShownPicture } from '../../stores/useShown.ts';
import { canvasState, viewStore } from '../../stores/view.ts';
import { Frame } from '../../ui/Frame.tsx';
import { BackToRun } from './BackToRun.tsx';
import { EmptyStage } from './EmptyStage.tsx';
import styles from './Stage.module.css';
import { StageNote } from './StageNote.tsx';

/** The tray: each step's preview the moment it exists, then the picture. */
export function Stage() {
  const { t } = useText();
  const view = useStore(viewStore);
  const job = useShownJob();
  const picture = useShownPicture();
  const [onScreen, setOnScreen] = useState('');

  const state = canvasState(view, job);
  const frame = shownFrame(job, picture, view.lookStep);
  const request = picture?.request ?? job?.request ?? null;
  const total = picture?.numTimesteps ?? job?.numTimesteps ?? request?.steps ?? 0;
  const stepsDone = job?.steps.length ?? picture?.stepsDone ?? 0;
  const alt =
    frame?.step === null || frame === null
      ? captionOf(request?.prompt, t('canvas.noPrompt'))
      : t('canvas.previewAlt', { step: frame.step, total });
  const aspect = request === null ? 1 : request.width / request.height;
  return (
    <section
      id="canvas"
      className={styles.stage}
      tabIndex={-1}
      aria-label={t('canvas.label')}
      data-testid="canvas"
      data-state={state}
      data-step={view.lookStep === null ? stepsDone : view.lookStep + 1}
      data-src={frame === null ? '' : onScreen}
    >
      {request === null ? (
        <EmptyStage />
      ) : (
        <div className={styles.box} style={{ '--aspect': String(aspect) } as CSSProperties}>
          {frame === null ? null : (
            <Frame src={frame.src} stream={frame.stream} alt={alt} className={styles.frame} onShown={setOnScreen} />
          )}
        </div>
      )}
      <BackToRun />
      <StageNote state={state} job={job} blank={frame === null} />
    </section>
  );
}

function captionOf(prompt: string | undefined, fallback: string): string {
  return prompt === undefined || prompt.trim() === '' ? fallback : prompt;
}
