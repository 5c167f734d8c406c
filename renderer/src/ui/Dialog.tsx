import { Dialog as Base } from '@base-ui/react/dialog';
import { X } from 'lucide-react';
import { useRef, type ReactNode, type RefObject } from 'react';
import { cx } from './cx.ts';
import styles from './Dialog.module.css';
import { IconButton } from './IconButton.tsx';

export interface DialogProps {
  readonly open: boolean;
  readonly title: string;
  readonly closeLabel: string;
  /** In pixels at the most, where a window has the room. */
  readonly width?: number;
  readonly height?: number;
  readonly className?: string | undefined;
  /** What has the focus first; left out: the dialog itself. */
  readonly initialFocus?: RefObject<HTMLElement | null>;
  onClose(): void;
  readonly children: ReactNode;
}

export function Dialog({ open, title, closeLabel, width, height, className, initialFocus, onClose, children }: DialogProps) {
  const popup = useRef<HTMLDivElement>(null);
  return (
    <Base.Root open={open} onOpenChange={(next) => (next ? undefined : onClose())}>
      <Base.Portal>
        <Base.Backdrop className={styles.backdrop} />
        <Base.Viewport className={styles.viewport}>
          <Base.Popup
            ref={popup}
            className={cx(styles.popup, className)}
            style={{ width: atMost(width), maxHeight: atMost(height) }}
            initialFocus={initialFocus ?? popup}
          >
            <header className={styles.head}>
              <Base.Title className={styles.title}>{title}</Base.Title>
              <IconButton label={closeLabel} icon={<X aria-hidden />} size="s" onClick={onClose} />
            </header>
            <div className={styles.body}>{children}</div>
          </Base.Popup>
        </Base.Viewport>
      </Base.Portal>
    </Base.Root>
  );
}

function atMost(pixels: number | undefined): string | undefined {
  return pixels === undefined ? undefined : `min(${pixels}px, 100%)`;
}
