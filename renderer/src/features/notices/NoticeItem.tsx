import { CircleAlert, X } from 'lucide-react';
import { useEffect, useState } from 'react';
import { useFailureText } from '../../i18n/useFailureText.ts';
import { useText } from '../../i18n/useText.ts';
import { dismissNotice, type Notice, type NoticeText } from '../../stores/notices.ts';
import { Button } from '../../ui/Button.tsx';
import { cx } from '../../ui/cx.ts';
import { IconButton } from '../../ui/IconButton.tsx';
import styles from './NoticeItem.module.css';

const shownMs = 4_000;
/** Something to act on stays longer. */
const shownWithUndoMs = 10_000;

export function NoticeItem({ notice }: { readonly notice: Notice }) {
  const { t } = useText();
  const [held, setHeld] = useState(false);
  const { id, tone, undo } = notice;

  useEffect(() => {
    if (tone === 'error' || held) return undefined;
    const timer = window.setTimeout(() => dismissNotice(id), undo === null ? shownMs : shownWithUndoMs);
    return () => window.clearTimeout(timer);
  }, [id, tone, undo, held]);

  return (
    <div
      className={cx(styles.notice, tone === 'error' && styles.error)}
      role={tone === 'error' ? 'alert' : 'status'}
      onPointerEnter={() => setHeld(true)}
      onPointerLeave={() => setHeld(false)}
      onFocus={() => setHeld(true)}
      onBlur={() => setHeld(false)}
    >
      {tone === 'error' ? <CircleAlert className={styles.icon} aria-hidden /> : null}
      <NoticeWords text={notice.text} />
      {undo === null ? null : (
        <Button
          size="s"
          onClick={() => {
            undo();
            dismissNotice(id);
            // The button goes; what was undone shows there.
            document.getElementById('canvas')?.focus({ preventScroll: true });
          }}
        >
          {t('common.undo')}
        </Button>
      )}
      <IconButton label={t('common.dismiss')} icon={<X aria-hidden />} size="s" onClick={() => dismissNotice(id)} />
    </div>
  );
}

function NoticeWords({ text }: { readonly text: NoticeText }) {
  const { t } = useText();
  const failureText = useFailureText();
  if (text.kind === 'message') {
    return <p className={styles.words}>{text.key === 'queueCleared' ? t('notice.queueCleared', { count: Number(text.values['count'] ?? 0) }) : t(`notice.${text.key}`, text.values)}</p>;
  }
  const { headline, nextStep, message } = failureText(text.failure);
  return (
    <div className={styles.words}>
      <p className={styles.headline}>{headline}</p>
      {message === null ? null : <p>{message}</p>}
      <p>{nextStep}</p>
      {message === null && text.failure.message !== headline ? (
        <details>
          <summary>{t('common.details')}</summary>
          <p lang="en">{text.failure.message}</p>
        </details>
      ) : null}
    </div>
  );
}
