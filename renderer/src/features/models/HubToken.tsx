import { KeyRound, X } from 'lucide-react';
import { useState, type KeyboardEvent } from 'react';
import { useStore } from 'zustand';
import { useText } from '../../i18n/useText.ts';
import { modelLibraryStore, setHubToken, wantsToken } from '../../stores/modelLibrary.ts';
import { Button } from '../../ui/Button.tsx';
import { IconButton } from '../../ui/IconButton.tsx';
import { TextInput } from '../../ui/TextInput.tsx';
import styles from './HubToken.module.css';

/** The access token for models behind terms; never shown again once it is given. Open by itself where something wants one. */
export function HubToken() {
  const { t } = useText();
  const token = useStore(modelLibraryStore, (state) => state.token);
  const wanted = useStore(modelLibraryStore, wantsToken);
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
  const close = (): void => {
    setValue('');
    setAsked(false);
  };
  const save = (): void => {
    if (value.trim() === '') return;
    void setHubToken(value.trim()).then(close);
  };
  const onKeyDown = (event: KeyboardEvent): void => {
    // The form around it looks for a model on Enter, and the dialog closes on Escape.
    if (event.key === 'Enter') {
      event.preventDefault();
      save();
    } else if (event.key === 'Escape' && !wanted) {
      event.stopPropagation();
      close();
    }
  };
  return (
    <div className={styles.token}>
      <label className={styles.label} htmlFor="models-token">
        {t('models.token')}
      </label>
      <TextInput
        id="models-token"
        type="password"
        // Who asked for it types at once; where it came by itself the focus stays where it is.
        autoFocus={asked}
        value={value}
        placeholder="hf_…"
        onChange={(event) => setValue(event.target.value)}
        onKeyDown={onKeyDown}
      />
      <Button size="s" disabled={value.trim() === ''} onClick={save}>
        {t('models.tokenSave')}
      </Button>
      {token.isSet ? (
        <Button size="s" look="quiet" onClick={() => void setHubToken(null).then(close)}>
          {t('models.tokenForget')}
        </Button>
      ) : null}
      {wanted ? null : <IconButton label={t('common.dismiss')} icon={<X aria-hidden />} size="s" onClick={close} />}
      <p className={styles.hint}>{token.isSafe ? t('models.tokenSafe') : t('models.tokenMemory')}</p>
    </div>
  );
}
