import { File, Folder, Search } from 'lucide-react';
import type { RefObject } from 'react';
import { useStore } from 'zustand';
import { useFailureText } from '../../i18n/useFailureText.ts';
import { useText } from '../../i18n/useText.ts';
import { appStore } from '../../stores/app.ts';
import { lookAt, modelLibraryStore, pickModel, typeAddress } from '../../stores/modelLibrary.ts';
import { settingsStore } from '../../stores/settings.ts';
import { Button } from '../../ui/Button.tsx';
import { errorId, Field } from '../../ui/Field.tsx';
import { Spinner } from '../../ui/Spinner.tsx';
import { TextInput } from '../../ui/TextInput.tsx';
import styles from './AddModel.module.css';
import { HubToken } from './HubToken.tsx';
import { OfferCard } from './OfferCard.tsx';

const fieldId = 'models-at';

/** Where a model is looked for: a name of the hub, an address, or a path of this machine. */
export function AddModel({ field }: { readonly field: RefObject<HTMLInputElement | null> }) {
  const { t } = useText();
  const failureText = useFailureText();
  const { at, looking, problem, offer } = useStore(modelLibraryStore);
  const desktop = useStore(appStore, (state) => state.info?.host === 'electron');
  const offline = useStore(settingsStore, (settings) => settings.offline);
  const error = problem === null ? null : failureText(problem);
  return (
    <div className={styles.add}>
      <form
        className={styles.form}
        aria-label={t('models.add')}
        onSubmit={(event) => {
          event.preventDefault();
          void lookAt(at);
        }}
      >
        <Field
          id={fieldId}
          label={t('models.at')}
          error={error === null ? null : [error.message ?? error.headline, error.nextStep, error.exact ?? ''].filter((text) => text !== '').join(' ')}
          hint={offline ? t('models.atOffline') : t('models.atHint')}
        >
          <div className={styles.row}>
            <TextInput
              ref={field}
              id={fieldId}
              value={at}
              placeholder="owner/name"
              invalid={problem !== null}
              aria-describedby={problem === null ? undefined : errorId(fieldId)}
              onChange={(event) => typeAddress(event.target.value)}
            />
            <Button type="submit" disabled={looking || at.trim() === ''} icon={looking ? <Spinner /> : <Search aria-hidden />}>
              {t('models.look')}
            </Button>
          </div>
        </Field>
        <div className={styles.row}>
          {desktop ? (
            <>
              <Button size="s" icon={<File aria-hidden />} onClick={() => void pickModel('file')}>
                {t('models.pickFile')}
              </Button>
              <Button size="s" icon={<Folder aria-hidden />} onClick={() => void pickModel('folder')}>
                {t('models.pickFolder')}
              </Button>
            </>
          ) : null}
          <HubToken />
        </div>
      </form>
      {offer === null ? null : <OfferCard offer={offer} />}
    </div>
  );
}
