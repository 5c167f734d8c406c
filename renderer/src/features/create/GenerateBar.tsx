import { useStore } from 'zustand';
import { useText } from '../../i18n/useText.ts';
import { appStore } from '../../stores/app.ts';
import { activeJob, isBusy, jobsStore } from '../../stores/jobs.ts';
import { isMac } from '../../stores/keyboard.ts';
import { stopRun } from '../../stores/runActions.ts';
import { Button } from '../../ui/Button.tsx';
import { Keys } from '../../ui/Keys.tsx';
import { ForecastLine } from './ForecastLine.tsx';
import styles from './GenerateBar.module.css';

export function GenerateBar() {
  const { t } = useText();
  const linked = useStore(appStore, (state) => state.link === 'open');
  const ready = useStore(appStore, (state) => state.ready) && linked;
  const busy = useStore(jobsStore, isBusy);
  const running = useStore(jobsStore, (state) => activeJob(state) !== null);
  const stopping = useStore(jobsStore, (state) => activeJob(state)?.stopping === true);
  return (
    <div className={styles.bar}>
      <ForecastLine />
      <Button className={styles.generate} look="primary" type="submit" disabled={!ready} data-testid="generate">
        {busy ? t('run.addToQueue') : t('run.generate')}
      </Button>
      <Button
        className={styles.stop}
        look={running ? 'danger' : 'plain'}
        disabled={!running || !linked}
        data-testid="stop"
        title={stopping ? t('run.stopNowHint') : t('run.stopHint')}
        // The second click of a double click is no second wish: it would end the engine.
        onClick={(event) => (event.detail > 1 ? undefined : stopRun())}
      >
        {stopping ? t('run.stopNow') : t('run.stop')}
      </Button>
      <p className={styles.keys} aria-hidden>
        <Keys keys="Mod+Enter" mac={isMac()} />
        <Keys keys="Escape" mac={isMac()} />
      </p>
    </div>
  );
}
