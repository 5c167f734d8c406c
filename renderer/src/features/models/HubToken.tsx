import { KeyRound } from 'lucide-react';
import { useState } from 'react';
import { useStore } from 'zustand';
import { useText } from '../../i18n/useText.ts';
import { modelLibraryStore, setHubToken } from '../../stores/modelLibrary.ts';
import { Button } from '../../ui/Button.tsx';
import { TextInput } from '../../ui/TextInput.tsx';
import styles from './HubToken.module.css';

/** The access token for models behind terms; never shown again once it is given. `wanted`: an answer just asked for one. */
export function HubToken({ wanted }: { readonly wanted: boolean }) {
  const { t } = useText();
  const token = useStore(modelLibraryStore, (state) => state.token);
  const [asked, setAsked] = useState(false);
  const [value, setValue] = useState('');
  if (token === null) return null;
  if (!asked && !wanted) {
    return (
      <Button size="s" look="quiet" icon={<KeyRound aria-hidden />} onClick={() => setAsked(true)}>
        {token.isSet ? t('models.tokenSet') : t('models.tokenAdd')}
      </Button>
    );
  }
  return (
    <div className={styles.token}>
      <label className={styles.label} htmlFor="models-token">
        {t('models.token')}
      </label>
      <TextInput
        id="models-token"
        type="password"
        value={value}
        placeholder="hf_…"
        onChange={(event) => setValue(event.target.value)}
        onKeyDown={(event) => {
          if (event.key !== 'Enter' || value.trim() === '') return;
          // The form around it looks for a model on Enter.
          event.preventDefault();
          save();
        }}
      />
      <Button size="s" disabled={value.trim() === ''} onClick={save}>
        {t('models.tokenSave')}
      </Button>
      {token.isSet ? (
        <Button size="s" look="quiet" onClick={() => void setHubToken(null).then(() => setAsked(false))}>
          {t('models.tokenForget')}
        </Button>
      ) : null}
      <p className={styles.hint}>{token.isSafe ? t('models.tokenSafe') : t('models.tokenMemory')}</p>
    </div>
  );

  function save(): void {
    void setHubToken(value.trim()).then(() => {
      setValue('');
      setAsked(false);
    });
  }
}
