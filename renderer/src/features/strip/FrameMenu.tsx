import { ContextMenu } from '@base-ui/react/context-menu';
import { memo, useState } from 'react';
import { useStore } from 'zustand';
import { useText } from '../../i18n/useText.ts';
import { openFork } from '../../stores/branches.ts';
import { lookAt } from '../../stores/lookBack.ts';
import { canForkAt } from '../../stores/runControl.ts';
import { useJob } from '../../stores/useBranches.ts';
import { viewStore } from '../../stores/view.ts';
import styles from './FrameMenu.module.css';
import { Frames } from './Frames.tsx';

export interface FrameMenuProps {
  readonly jobId: string;
  /** There is no frame yet to ask it for. */
  readonly disabled: boolean;
}

/** The frames with what can be done from one: by the right mouse button, a long touch, or the keyboard's menu key. */
export const FrameMenu = memo(function FrameMenu({ jobId, disabled }: FrameMenuProps) {
  const [step, setStep] = useState<number | null>(null);
  // It closes when another run takes the strip.
  const [openOf, setOpenOf] = useState<string | null>(null);
  return (
    <ContextMenu.Root disabled={disabled} open={openOf === jobId} onOpenChange={(open) => setOpenOf(open ? jobId : null)}>
      <ContextMenu.Trigger className={styles.frames} onContextMenu={(event) => setStep(stepOf(event.target))}>
        <Frames jobId={jobId} />
      </ContextMenu.Trigger>
      <ContextMenu.Portal>
        <ContextMenu.Positioner className={styles.positioner}>
          <ContextMenu.Popup className={styles.popup}>
            <Items jobId={jobId} asked={step} />
          </ContextMenu.Popup>
        </ContextMenu.Positioner>
      </ContextMenu.Portal>
    </ContextMenu.Root>
  );
});

/** @param asked 0-based; null: the step that is looked at, or the newest */
function Items({ jobId, asked }: { readonly jobId: string; readonly asked: number | null }) {
  const { t } = useText();
  const job = useJob(jobId);
  const look = useStore(viewStore, (view) => view.lookStep);
  if (job === null) return null;
  const step = asked ?? look ?? job.steps.length - 1;
  const values = { step: step + 1 };
  return (
    <>
      <ContextMenu.Item className={styles.item} onClick={() => lookAt(step)}>
        {t('strip.look', values)}
      </ContextMenu.Item>
      <ContextMenu.Item className={styles.item} disabled={!canForkAt(job, step)} onClick={() => openFork(jobId, step)}>
        {t('strip.continueStep', values)}
      </ContextMenu.Item>
    </>
  );
}

/** The frame that was clicked; null: none of them, as when the menu is asked for by its key. */
function stepOf(target: EventTarget): number | null {
  const frame = target instanceof Element ? target.closest<HTMLElement>('[data-index]') : null;
  const index = Number(frame?.dataset['index'] ?? NaN);
  return Number.isNaN(index) ? null : index;
}
