import { Download, Upload } from 'lucide-react';
import { useId } from 'react';
import { useStore } from 'zustand';
import { useText } from '../../i18n/useText.ts';
import { featherWholeMask, maskStore } from '../../stores/mask.ts';
import { exportMask, importMask } from '../../stores/maskFile.ts';
import { maskToolsStore, setMaskTools } from '../../stores/maskTools.ts';
import { Button } from '../../ui/Button.tsx';
import { RangeSlider } from '../../ui/RangeSlider.tsx';
import styles from './MaskOptions.module.css';

const featherRange = { min: 1, max: 64 };

/** What is needed now and then. */
export function MaskOptions() {
  const { t, format } = useText();
  const hardnessId = useId();
  const featherId = useId();
  const { hardness, feather } = useStore(maskToolsStore);
  const empty = useStore(maskStore, (mask) => mask.bounds === null);
  return (
    <div className={styles.options}>
      <div className={styles.row}>
        <label className={styles.label} htmlFor={hardnessId}>
          {t('mask.hardness')}
        </label>
        <RangeSlider
          id={hardnessId}
          className={styles.slider}
          value={Math.round(hardness * 100)}
          min={0}
          max={100}
          spoken={format.percent(hardness)}
          onChange={(value) => setMaskTools({ hardness: value / 100 })}
        />
        <output className={styles.value} htmlFor={hardnessId}>
          {format.percent(hardness)}
        </output>
      </div>
      <div className={styles.row}>
        <label className={styles.label} htmlFor={featherId}>
          {t('mask.feather')}
        </label>
        <RangeSlider
          id={featherId}
          className={styles.slider}
          value={feather}
          {...featherRange}
          spoken={t('mask.pixels', { count: feather })}
          onChange={(value) => setMaskTools({ feather: value })}
        />
        <output className={styles.value} htmlFor={featherId}>
          {t('mask.pixels', { count: feather })}
        </output>
        <Button size="s" disabled={empty} onClick={() => featherWholeMask(feather)}>
          {t('mask.featherApply')}
        </Button>
      </div>
      <div className={styles.files}>
        <label className={styles.file}>
          <input
            className={styles.input}
            type="file"
            accept="image/*"
            onChange={(event) => {
              const file = event.target.files?.[0];
              event.target.value = '';
              if (file !== undefined) void importMask(file);
            }}
          />
          <Upload aria-hidden />
          {t('mask.import')}
        </label>
        <Button size="s" icon={<Download aria-hidden />} disabled={empty} onClick={() => void exportMask()}>
          {t('mask.export')}
        </Button>
      </div>
      <p className={styles.keys}>{t('mask.keys')}</p>
    </div>
  );
}
