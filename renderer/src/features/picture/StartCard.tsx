import { X } from 'lucide-react';
import type { ReactNode } from 'react';
import { useStore } from 'zustand';
import type { InputImage } from '../../../../shared/generation.ts';
import { useText } from '../../i18n/useText.ts';
import { inputsStore, missPicture, removePicture } from '../../stores/inputs.ts';
import { inputUrl } from '../../stores/sendInput.ts';
import { turnStage } from '../../stores/stageSide.ts';
import { IconButton } from '../../ui/IconButton.tsx';
import text from '../../ui/text.module.css';
import styles from './StartCard.module.css';

export interface StartCardProps {
  readonly image: InputImage;
  /** The button that takes another picture. */
  readonly choose: ReactNode;
}

export function StartCard({ image, choose }: StartCardProps) {
  const { t } = useText();
  const named = useStore(inputsStore, (inputs) => (inputs.about === image.id ? inputs.name : null));
  return (
    <div className={styles.card}>
      <button type="button" className={styles.thumb} aria-label={t('start.show')} title={t('start.show')} onClick={() => turnStage('start')}>
        <img src={inputUrl(image.id)} alt="" draggable={false} decoding="async" onError={() => void missPicture(image)} />
      </button>
      <div className={styles.facts}>
        <span className={styles.name} title={named ?? undefined}>
          {named ?? t('start.unnamed')}
        </span>
        <span className={text.facts}>
          {image.width} × {image.height}
        </span>
        <div className={styles.actions}>
          {choose}
          <IconButton label={t('start.remove')} icon={<X aria-hidden />} size="s" onClick={removePicture} />
        </div>
      </div>
    </div>
  );
}
