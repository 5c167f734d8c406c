import { Download, Trash2 } from 'lucide-react';
import { useStore } from 'zustand';
import type { CudaPack } from '../../../../shared/models.ts';
import { useFindingText } from '../../i18n/useFindingText.ts';
import { useText } from '../../i18n/useText.ts';
import { installCudaPack, removeCudaPack } from '../../stores/devices.ts';
import { settingsStore } from '../../stores/settings.ts';
import { Button } from '../../ui/Button.tsx';
import { cx } from '../../ui/cx.ts';
import { ProgressBar } from '../../ui/ProgressBar.tsx';
import { Section } from '../../ui/Section.tsx';
import styles from './CudaPackSection.module.css';

/** The optional libraries for NVIDIA cards: what is there, what is missing, and one button. */
export function CudaPackSection({ pack }: { readonly pack: CudaPack }) {
  const { t, format } = useText();
  const textOf = useFindingText();
  const offline = useStore(settingsStore, (settings) => settings.offline);
  const installing = pack.state === 'installing';
  // What is missing for something nobody installed is no fault.
  const wanted = pack.state === 'installed' || pack.state === 'broken';
  return (
    <Section id="devices-cuda" title={t('devices.cuda')} className={styles.section} data-testid="cuda-pack" data-state={pack.state}>
      <p className={styles.text}>{t(`devices.cudaState.${pack.state}`, { version: pack.version })}</p>
      <ul className={styles.checks}>
        {pack.checks.map((check) => {
          const { message, remedy, exact } = textOf(check);
          return (
            <li key={check.code + check.part} className={cx(styles.check, wanted && styles[check.severity])}>
              {message}
              {exact === '' ? null : (
                <span className={styles.remedy} lang="en">
                  {exact}
                </span>
              )}
              {remedy === '' ? null : <span className={styles.remedy}>{remedy}</span>}
            </li>
          );
        })}
      </ul>
      {installing ? <ProgressBar label={t('devices.cudaInstalling')} share={pack.progress} /> : null}
      <div className={styles.actions}>
        {pack.state === 'installed' ? (
          <Button size="s" icon={<Trash2 aria-hidden />} onClick={() => void removeCudaPack()}>
            {t('devices.cudaRemove')}
          </Button>
        ) : (
          <Button size="s" disabled={installing || offline} icon={<Download aria-hidden />} onClick={() => void installCudaPack()}>
            {pack.bytes > 0 ? t('devices.cudaInstallSize', { size: format.bytes(pack.bytes) }) : t('devices.cudaInstall')}
          </Button>
        )}
        <code className={styles.command}>{pack.command}</code>
      </div>
    </Section>
  );
}
