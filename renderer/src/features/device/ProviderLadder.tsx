import type { EngineStatus } from '../../../../shared/contract.ts';
import { useFailureText } from '../../i18n/useFailureText.ts';
import { useRungText, type RungText } from '../../i18n/useRungText.ts';
import { useText } from '../../i18n/useText.ts';
import { viewStore } from '../../stores/view.ts';
import { Button } from '../../ui/Button.tsx';
import { cx } from '../../ui/cx.ts';
import { PopoverClose } from '../../ui/Popover.tsx';
import styles from './ProviderLadder.module.css';

/** Every device that was thought of, in order, and what became of it. */
export function ProviderLadder({ status }: { readonly status: EngineStatus }) {
  const failureText = useFailureText();
  const rungText = useRungText();
  const { t } = useText();
  return (
    <div className={styles.ladder}>
      {status.rungs.length === 0 ? <p className={styles.reason}>{t('device.firstRun')}</p> : null}
      <ol className={styles.list}>
        {status.rungs.map((rung) => (
          <li key={`${rung.provider} ${rung.part ?? ''}`} className={styles.rung}>
            <span className={styles.name}>
              {t(`provider.${rung.provider}`)}
              {rung.part === undefined ? null : ` · ${rung.part}`}
            </span>
            <span className={cx(styles.mark, rung.taken && styles.taken)}>{rung.taken ? t('device.taken') : t('device.passedOver')}</span>
            <RungWords {...rungText(rung)} />
          </li>
        ))}
      </ol>
      <p className={styles.engine}>{t('device.engine', { state: t(`device.state.${status.state}`) })}</p>
      <PopoverClose
        button={
          <Button size="s" className={styles.all} onClick={() => viewStore.setState({ dialog: 'devices' })}>
            {t('devices.open')}
          </Button>
        }
      />
      {status.failure === null ? null : (
        <p className={styles.failure}>
          {failureText(status.failure).headline} {failureText(status.failure).nextStep}
        </p>
      )}
    </div>
  );
}

function RungWords({ reason, remedy }: RungText) {
  return (
    <>
      {reason === '' ? null : <span className={styles.reason}>{reason}</span>}
      {remedy === '' ? null : <span className={styles.remedy}>{remedy}</span>}
    </>
  );
}
