import { useStore } from 'zustand';
import { useText } from '../../i18n/useText.ts';
import { formStore } from '../../stores/form.ts';
import { tokenCountsStore, type CountedField } from '../../stores/tokenCounts.ts';
import { cx } from '../../ui/cx.ts';
import styles from './TokenMeter.module.css';

/** Chunks that are told one by one beside the label; more of them only as a number. */
const mostTold = 2;

/** How many tokens a text has, in the place beside its label, which is always kept free for it. */
export function TokenMeter({ field }: { readonly field: CountedField }) {
  const { t } = useText();
  const count = useStore(tokenCountsStore, (state) => state[field]);
  const empty = useStore(formStore, (form) => form[field] === '');
  if (count === undefined || empty) return null;
  const { chunks, chunkSize, cut } = count;
  const used = (chunks[0] ?? 0) + cut;
  const parts = chunks.join(' + ');
  const told = chunks.length > mostTold ? t('tokens.manyChunks', { count: chunks.length }) : t('tokens.chunks', { count: chunks.length, parts });
  const text = chunks.length > 1 ? told : t('tokens.used', { used, size: chunkSize });
  const hint = t('tokens.hint', { size: chunkSize });
  return (
    <span className={cx(styles.meter, cut > 0 && styles.over)} title={chunks.length > mostTold ? `${hint} ${parts}` : hint} data-testid={`tokens-${field}`}>
      {text}
    </span>
  );
}

/** What the model will not read. The region stays in the page, so that what comes into it is spoken. */
export function CutTokens({ field }: { readonly field: CountedField }) {
  const { t } = useText();
  const count = useStore(tokenCountsStore, (state) => state[field]);
  const empty = useStore(formStore, (form) => form[field] === '');
  const cut = empty ? 0 : (count?.cut ?? 0);
  return (
    <p className={styles.cut} role="status" aria-live="polite" title={cut === 0 ? undefined : count?.cutText.trim()}>
      {cut === 0 ? null : (
        <>
          {t('tokens.cut', { count: cut })} <q className={styles.quote}>{count?.cutText.trim()}</q>
        </>
      )}
    </p>
  );
}
