import type { CSSProperties } from 'react';
import type { InputImage } from '../../../../shared/generation.ts';
import { useText } from '../../i18n/useText.ts';
import { inputUrl } from '../../stores/sendInput.ts';
import styles from './picture.module.css';

export function StartPicture({ image }: { readonly image: InputImage }) {
  const { t } = useText();
  return (
    <div className={styles.box} style={{ '--aspect': String(image.width / image.height) } as CSSProperties}>
      <img className={styles.layer} src={inputUrl(image.id)} alt={t('start.label')} draggable={false} data-testid="start-picture" />
    </div>
  );
}
