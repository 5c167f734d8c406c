import { useEffect } from 'react';
import { useStore } from 'zustand';
import { memoryPolicies } from '../../../../shared/models.ts';
import { useText } from '../../i18n/useText.ts';
import { devicesStore, readDevices } from '../../stores/devices.ts';
import { settingsStore } from '../../stores/settings.ts';
import { changeSettings } from '../../stores/settingsActions.ts';
import { viewStore } from '../../stores/view.ts';
import { Dialog } from '../../ui/Dialog.tsx';
import { Segmented } from '../../ui/Segmented.tsx';
import { CudaPackSection } from './CudaPackSection.tsx';
import { DeviceRow } from './DeviceRow.tsx';
import styles from './DevicesDialog.module.css';

/** Every device a model could run on, what keeps it from that, and what it achieves. */
export function DevicesDialog() {
  const { t } = useText();
  const open = useStore(viewStore, (view) => view.dialog === 'devices');
  useEffect(() => {
    if (open) void readDevices();
  }, [open]);
  return (
    <Dialog
      open={open}
      title={t('devices.title')}
      closeLabel={t('common.close')}
      className={styles.dialog}
      onClose={() => viewStore.setState({ dialog: null })}
    >
      <DevicesBody />
    </Dialog>
  );
}

function DevicesBody() {
  const { t } = useText();
  const { devices, cudaPack } = useStore(devicesStore);
  const memoryPolicy = useStore(settingsStore, (settings) => settings.memoryPolicy);
  return (
    <div className={styles.groups}>
      <section aria-labelledby="devices-list">
        <h3 id="devices-list" className={styles.heading}>
          {t('devices.list')}
        </h3>
        <ul className={styles.list}>
          {devices
            .filter(({ possible }) => possible)
            .map((device) => (
              <DeviceRow key={device.provider} device={device} />
            ))}
        </ul>
        <p className={styles.hint}>{t('devices.order')}</p>
      </section>
      {cudaPack === null || cudaPack.state === 'not-possible' ? null : <CudaPackSection pack={cudaPack} />}
      <section aria-labelledby="devices-memory">
        <h3 id="devices-memory" className={styles.heading}>
          {t('devices.memory')}
        </h3>
        <Segmented
          name="memory-policy"
          label={t('devices.memory')}
          value={memoryPolicy}
          segments={memoryPolicies.map((value) => ({ value, label: t(`devices.policy.${value}`) }))}
          onChange={(value) => void changeSettings({ memoryPolicy: value })}
        />
        <p className={styles.hint}>{t(`devices.policyHint.${memoryPolicy}`)}</p>
      </section>
    </div>
  );
}
