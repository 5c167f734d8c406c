import type { ReactNode } from 'react';
import { useStore } from 'zustand';
import { useText } from '../../i18n/useText.ts';
import { formStore } from '../../stores/form.ts';
import { shownFrame } from '../../stores/shownFrame.ts';
import { stageSideStore, type StageSide } from '../../stores/stageSide.ts';
import { useShownJob, useShownPicture } from '../../stores/useShown.ts';
import { canvasState, lookedAt, viewStore, type CanvasState } from '../../stores/view.ts';
import { BackToRun } from './BackToRun.tsx';
import { BatchThumbs } from './BatchThumbs.tsx';
import { CompareButton } from './CompareButton.tsx';
import { EmptyStage } from './EmptyStage.tsx';
import { RunPicture } from './RunPicture.tsx';
import styles from './Stage.module.css';
import { StageNote } from './StageNote.tsx';
import { StageSwitch } from './StageSwitch.tsx';
import { StartPicture } from './StartPicture.tsx';

export interface StageProps {
  /** The start picture with its mask, to paint on, and the tools for it. */
  readonly painter: ReactNode;
  readonly painterTools: ReactNode;
  /** In place of a start picture that is still to come. */
  readonly noStart: ReactNode;
  /** Over everything while a picture is dragged here. */
  readonly curtain: ReactNode;
}

/** The tray: where the next run starts from, or each step's preview the moment it exists, then the picture. */
export function Stage({ painter, painterTools, noStart, curtain }: StageProps) {
  const view = useStore(viewStore);
  const job = useShownJob();
  const picture = useShownPicture();
  const task = useStore(formStore, (form) => form.task);
  const start = useStore(formStore, (form) => form.image);
  const side = useStore(stageSideStore, (stage) => (task === 'text-to-image' ? 'result' : stage.side));

  const look = lookedAt(view);
  const frame = shownFrame(job, picture, look);
  const request = picture?.request ?? job?.request ?? null;
  const stepsDone = job?.steps.length ?? picture?.stepsDone ?? 0;
  const painting = side === 'start' && task === 'inpaint' && start !== null;
  const switchable = task !== 'text-to-image' && request !== null;
  return (
    <Canvas side={side} state={canvasState(view, job)} step={look === null ? stepsDone : look + 1} blank={frame === null}>
      {painting || switchable ? (
        <div className={styles.head}>
          {switchable ? <StageSwitch side={side} task={task} /> : null}
          {painting ? <div className={styles.tools}>{painterTools}</div> : null}
        </div>
      ) : null}
      <div className={painting ? styles.paint : styles.floor}>
        {side === 'start' ? (
          <StartSide image={start} painting={painting} painter={painter} noStart={noStart} />
        ) : (
          <>
            {request === null ? <EmptyStage /> : <RunPicture request={request} job={job} picture={picture} frame={frame} />}
            <BackToRun />
            <StageNote state={canvasState(view, job)} job={job} blank={frame === null && (request?.image ?? null) === null} />
            <BatchThumbs />
            <CompareButton request={request} />
          </>
        )}
      </div>
      {curtain}
    </Canvas>
  );
}

interface CanvasProps {
  readonly side: StageSide;
  readonly state: CanvasState;
  /** 1-based; 0: none yet. */
  readonly step: number;
  readonly blank: boolean;
  readonly children: ReactNode;
}

/** A frame that has come to the screen is told here alone: what is in the canvas stays as it is. */
function Canvas({ side, state, step, blank, children }: CanvasProps) {
  const { t } = useText();
  const onScreen = useStore(stageSideStore, (stage) => stage.onScreen);
  return (
    <section
      id="canvas"
      className={styles.stage}
      tabIndex={-1}
      aria-label={t('canvas.label')}
      data-testid="canvas"
      data-side={side}
      data-state={state}
      data-step={step}
      data-src={blank ? '' : onScreen}
    >
      {children}
    </section>
  );
}

interface StartSideProps extends Pick<StageProps, 'painter' | 'noStart'> {
  readonly image: Parameters<typeof StartPicture>[0]['image'] | null;
  readonly painting: boolean;
}

function StartSide({ image, painting, painter, noStart }: StartSideProps) {
  if (image === null) return noStart;
  return painting ? painter : <StartPicture image={image} />;
}
