import { Pause, Play, RotateCcw, X } from 'lucide-react';
import type { TFunction } from 'i18next';
import { useRef, useState } from 'react';
import type { Download } from '../../../../shared/models.ts';
import type { Format } from '../../i18n/format.ts';
import { useText } from '../../i18n/useText.ts';
import { cancelDownload, pauseDownload, resumeDownload } from '../../stores/modelLibrary.ts';
import { cx } from '../../ui/cx.ts';
import { IconButton } from '../../ui/IconButton.tsx';
import { ProgressBar } from '../../ui/ProgressBar.tsx';
import text from '../../ui/text.module.css';
import { Ask } from './Ask.tsx';
import styles from './DownloadRow.module.css';
import { FailureWords } from './FailureWords.tsx';

/** A model on its way. */
export function DownloadRow({ download }: { readonly download: Download }) {
  const { t, format } = useText();
  const [sure, setSure] = useState(false);
  const cancel = useRef<HTMLButtonElement>(null);
  const { id, title, state, failure, bytesDone, bytesTotal } = download;
  const share = bytesTotal === 0 ? 0 : bytesDone / bytesTotal;
  const goesOn = state === 'running' || state === 'waiting' || state === 'checking';
  return (
    <li className={styles.download} data-testid="download" data-state={state}>
      <div className={styles.row}>
        <div className={styles.words}>
          <span className={styles.title} title={`${download.repo}@${download.revision}`}>
            {title}
          </span>
          <span className={text.facts}>{factsOf(download, t, format)}</span>
          <ProgressBar className={styles.progress} label={t('models.progress', { title })} share={share} still={state !== 'running'} />
          {failure === null ? null : (
            <p className={cx(styles.failure, state !== 'failed' && styles.waits)} role={state === 'failed' ? 'alert' : undefined}>
              <FailureWords failure={failure} />
            </p>
          )}
        </div>
        {goesOn ? (
          <IconButton label={t('models.pause', { title })} icon={<Pause aria-hidden />} size="s" onClick={() => void pauseDownload(id)} />
        ) : (
          <IconButton
            label={state === 'failed' ? t('models.tryAgain', { title }) : t('models.resume', { title })}
            icon={state === 'failed' ? <RotateCcw aria-hidden /> : <Play aria-hidden />}
            size="s"
            onClick={() => void resumeDownload(id)}
          />
        )}
        <IconButton
          ref={cancel}
          label={t('models.cancel', { title })}
          icon={<X aria-hidden />}
          size="s"
          // What has not begun is gone without a loss.
          onClick={() => (bytesDone === 0 ? void cancelDownload(id) : setSure(true))}
        />
      </div>
      {sure ? (
        <Ask
          title={t('models.cancelTitle', { title })}
          text={t('models.askCancel', { size: format.bytes(bytesDone) })}
          confirmLabel={t('models.cancelNow')}
          keepLabel={t('models.keepIt')}
          onConfirm={() => {
            // The row goes, and the focus with it.
            cancel.current?.closest<HTMLElement>('[role="dialog"]')?.focus();
            void cancelDownload(id);
          }}
          onKeep={() => {
            setSure(false);
            cancel.current?.focus();
          }}
        />
      ) : null}
    </li>
  );
}

function factsOf({ state, bytesDone, bytesTotal, bytesPerSecond }: Download, t: TFunction, format: Format): string {
  const amount = t('models.amount', { done: format.bytes(bytesDone), total: format.bytes(bytesTotal) });
  if (state !== 'running') return `${t(`models.state.${state}`)} · ${amount}`;
  if (bytesPerSecond <= 0) return amount;
  const left = format.duration((1000 * (bytesTotal - bytesDone)) / bytesPerSecond);
  return `${amount} · ${t('models.rate', { size: format.bytes(bytesPerSecond) })} · ${t('models.left', { time: left })}`;
}
