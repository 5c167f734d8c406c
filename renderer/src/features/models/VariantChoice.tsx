import type { Offer } from '../../../../shared/models.ts';
import { useText } from '../../i18n/useText.ts';
import { cx } from '../../ui/cx.ts';
import text from '../../ui/text.module.css';
import styles from './VariantChoice.module.css';

export interface VariantChoiceProps {
  readonly variant: Offer['variants'][number];
  /** It is to be fetched; else it is all here. */
  readonly fromHub: boolean;
  readonly chosen: boolean;
  onChoose(): void;
}

export function VariantChoice({ variant, fromHub, chosen, onChoose }: VariantChoiceProps) {
  const { t, format } = useText();
  const facts = [
    t(`models.origin.${variant.origin}`),
    format.bytes(variant.bytes),
    ...(fromHub && variant.bytesHere > 0 ? [t('models.bytesHere', { size: format.bytes(variant.bytesHere) })] : []),
    ...(variant.memoryBytes === null ? [] : [t('models.memory', { size: format.bytes(variant.memoryBytes) })]),
  ];
  return (
    <div className={cx(styles.variant, chosen && styles.chosen)}>
      <label className={styles.row}>
        <input type="radio" name="model-variant" checked={chosen} onChange={onChoose} />
        <span className={styles.words}>
          <span className={styles.label}>{variant.label}</span>
          <span className={text.facts}>{facts.join(' · ')}</span>
        </span>
      </label>
      {chosen && variant.files.length > 0 ? (
        <details className={styles.files}>
          <summary>{t('models.files', { count: variant.files.length })}</summary>
          <ul>
            {variant.files.map(({ path, bytes }) => (
              <li key={path}>
                <code>{path}</code>
                <span>{format.bytes(bytes)}</span>
              </li>
            ))}
          </ul>
        </details>
      ) : null}
    </div>
  );
}
