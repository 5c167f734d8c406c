import { Copy, Download, Plus, X } from 'lucide-react';
import { useStore } from 'zustand';
import type { Offer } from '../../../../shared/models.ts';
import { useText } from '../../i18n/useText.ts';
import { chooseVariant, closeOffer, modelLibraryStore, takeOffer } from '../../stores/modelLibrary.ts';
import { Button } from '../../ui/Button.tsx';
import { IconButton } from '../../ui/IconButton.tsx';
import { Spinner } from '../../ui/Spinner.tsx';
import { FailureWords } from './FailureWords.tsx';
import styles from './OfferCard.module.css';
import { VariantChoice } from './VariantChoice.tsx';

/** What was found at an address: what it costs and what may be taken, before anything large is fetched. */
export function OfferCard({ offer }: { readonly offer: Offer }) {
  const { t, format } = useText();
  const variantId = useStore(modelLibraryStore, (state) => state.variant);
  const { taking, copyOnly, refusal } = useStore(modelLibraryStore);
  const variant = offer.variants.find(({ id }) => id === variantId) ?? null;
  const fromHub = offer.source.kind === 'hub';
  const toFetch = variant === null || !fromHub ? 0 : variant.bytes - variant.bytesHere;
  const nothing = offer.variants.length === 0;
  const fits = toFetch <= offer.diskFree;
  return (
    <section className={styles.card} aria-label={t('models.offer', { title: offer.title })} data-testid="offer">
      <header className={styles.head}>
        <div className={styles.words}>
          <h3 className={styles.title}>{offer.title}</h3>
          <p className={styles.facts}>
            {[
              offer.source.kind === 'hub' ? `${offer.source.repo} · ${offer.source.revision.slice(0, 7)}` : offer.source.path,
              ...(offer.license !== null ? [t('models.license', { license: offer.license })] : fromHub ? [t('models.noLicense')] : []),
              ...(offer.gated ? [t('models.gated')] : []),
            ].join(' · ')}
          </p>
        </div>
        <IconButton label={t('common.dismiss')} icon={<X aria-hidden />} size="s" onClick={closeOffer} />
      </header>
      {nothing ? (
        <p className={styles.none}>{t('models.nothingUsable')}</p>
      ) : (
        <div className={styles.variants} role="radiogroup" aria-label={t('models.variant')}>
          {offer.variants.map((choice) => (
            <VariantChoice key={choice.id} variant={choice} fromHub={fromHub} chosen={choice.id === variantId} onChoose={() => chooseVariant(choice.id)} />
          ))}
        </div>
      )}
      {offer.refused.length === 0 ? null : (
        <details className={styles.refused} open={nothing}>
          <summary>{t('models.refused', { count: offer.refused.length })}</summary>
          <ul>
            {offer.refused.map(({ path, reason }) => (
              <li key={path}>
                <code>{path}</code> {reason}
              </li>
            ))}
          </ul>
        </details>
      )}
      {variant === null ? null : (
        <footer className={styles.foot}>
          <Button look="primary" disabled={!fits || taking} icon={taking ? <Spinner /> : fromHub ? <Download aria-hidden /> : <Plus aria-hidden />} onClick={() => void takeOffer()}>
            {fromHub ? t('models.download', { size: format.bytes(toFetch) }) : t('models.use')}
          </Button>
          <p className={fits ? styles.disk : styles.full}>
            {fromHub ? t(fits ? 'models.diskFree' : 'models.diskShort', { size: format.bytes(offer.diskFree) }) : t('models.staysThere')}
          </p>
        </footer>
      )}
      {refusal === null ? null : (
        <p className={styles.refusal} role="alert">
          <FailureWords failure={refusal} />
        </p>
      )}
      {variant === null || !copyOnly ? null : (
        <footer className={styles.foot}>
          <Button disabled={taking} icon={<Copy aria-hidden />} onClick={() => void takeOffer('copy')}>
            {t('models.copy', { size: format.bytes(variant.bytes) })}
          </Button>
          <p className={styles.disk} role="status">
            {t(taking ? 'models.copying' : 'models.copyHint')}
          </p>
        </footer>
      )}
    </section>
  );
}
