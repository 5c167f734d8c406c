import { ContextMenu } from '@base-ui/react/context-menu';
import type { ReactElement } from 'react';
import type { JobSnapshot } from '../../../../shared/job.ts';
import { useText } from '../../i18n/useText.ts';
import { openFork } from '../../stores/branches.ts';
import { lookAt } from '../../stores/lookBack.ts';
import { canForkAt } from '../../stores/runControl.ts';
import styles from './FrameMenu.module.css';

export interface FrameMenuProps {
  readonly job: JobSnapshot;
  /** 0-based; what the menu is about. */
  readonly step: number;
  /** The strip that it belongs to. */
  readonly children: ReactElement;
}

/** What can be done from a frame: by the right mouse button, a long touch, or the keyboard's menu key. */
export function FrameMenu({ job, step, children }: FrameMenuProps) {
  const { t } = useText();
  const values = { step: step + 1 };
  return (
    <ContextMenu.Root disabled={job.steps.length === 0}>
      <ContextMenu.Trigger render={children} />
      <ContextMenu.Portal>
        <ContextMenu.Positioner className={styles.positioner}>
          <ContextMenu.Popup className={styles.popup}>
            <ContextMenu.Item className={styles.item} onClick={() => lookAt(step)}>
              {t('strip.look', values)}
            </ContextMenu.Item>
            <ContextMenu.Item className={styles.item} disabled={!canForkAt(job, step)} onClick={() => openFork(job.jobId, step)}>
              {t('strip.continueStep', values)}
            </ContextMenu.Item>
          </ContextMenu.Popup>
        </ContextMenu.Positioner>
      </ContextMenu.Portal>
    </ContextMenu.Root>
  );
}
