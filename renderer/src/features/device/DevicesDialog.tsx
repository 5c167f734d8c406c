import { useStore } from 'zustand';
import { memoryPolicies } from '../../../../shared/models.ts';
import { useText } from '../../i18n/useText.ts';
import { devicesStore, readDevices } from '../../stores/devices.ts';
import { settingsStore } from '../../stores/settings.ts';
import { changeSettings } from '../../stores/settingsActions.ts';
import { useDialog } from '../../stores/useDialog.ts';
import { Dialog } from '../../ui/Dialog.tsx';
import { List, Section, Sections } from '../../ui/Section.tsx';
import { Segmented } from '../../ui/Segmented.tsx';
import { CudaPackSection } from './CudaPackSection.tsx';
import { DeviceRow } from './DeviceRow.tsx';

/** Every device a model could run on, what keeps it from that, and what it achieves. */
export function DevicesDialog() {
  const { t } = useText();
  return (
    <Dialog {...useDialog('devices', readDevices)} title={t('devices.title')} closeLabel={t('common.close')} width={620} height={760}>
      <DevicesBody />
    </Dialog>
  );
}

function DevicesBody() {
  const { t } = useText();
  const { devices, cudaPack } = useStore(devicesStore);
  const memoryPolicy = useStore(settingsStore, (settings) => settings.memoryPolicy);
  return (
    <Sections>
      <Section id="devices-list" title={t('devices.list')} hint={t('devices.order')}>
        <List>
          {devices
            .filter(({ possible }) => possible)
            .map((device) => (
              <DeviceRow key={device.provider} device={device} />
            ))}
        </List>
      </Section>
      {cudaPack === null || cudaPack.state === 'not-possible' ? null : <CudaPackSection pack={cudaPack} />}
      <Section id="devices-memory" title={t('devices.memory')} hint={t(`devices.policyHint.${memoryPolicy}`)}>
        <Segmented
          name="memory-policy"
          label={t('devices.memory')}
          value={memoryPolicy}
          segments={memoryPolicies.map((value) => ({ value, label: t(`devices.policy.${value}`) }))}
          onChange={(value) => void changeSettings({ memoryPolicy: value })}
        />
      </Section>
    </Sections>
  );
}
