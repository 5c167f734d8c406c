import { ChevronRight, FolderPlus, Trash2 } from 'lucide-react';
import { useId, useState } from 'react';
import { useStore } from 'zustand';
import { useFailureText } from '../../i18n/useFailureText.ts';
import { useText } from '../../i18n/useText.ts';
import { forgetLoraProblem, loraFilesStore, setLoraFolders } from '../../stores/loraFiles.ts';
import { settingsStore } from '../../stores/settings.ts';
import { Button } from '../../ui/Button.tsx';
import { errorId, Field } from '../../ui/Field.tsx';
import { IconButton } from '../../ui/IconButton.tsx';
import { TextInput } from '../../ui/TextInput.tsx';
import text from '../../ui/text.module.css';
import styles from './LoraFolders.module.css';

/** Where LoRAs are looked for: folders that another tool uses will do, nothing is copied. */
export function LoraFolders() {
  const { t } = useText();
  const id = useId();
  const failureText = useFailureText();
  const folders = useStore(settingsStore, (settings) => settings.adapterFolders);
  const failure = useStore(loraFilesStore, (state) => state.problem);
  const [open, setOpen] = useState(false);
  const [path, setPath] = useState('');
  const problem = failure === null ? null : failureText(failure);
  const add = (): void => {
    if (path.trim() === '') return;
    void setLoraFolders([...folders, path.trim()]).then((taken) => {
      if (taken) setPath('');
    });
  };
  return (
    <div className={styles.folders}>
      <button type="button" className={styles.toggle} aria-expanded={open} aria-controls={`${id}-body`} onClick={() => setOpen(!open)}>
        <ChevronRight className={styles.chevron} aria-hidden />
        {t('loras.folders')}
      </button>
      <div id={`${id}-body`} className={styles.body} hidden={!open}>
        <p className={text.hint}>{t('loras.embeddingHint')}</p>
        {folders.length === 0 ? null : (
          <ul className={styles.list} aria-label={t('loras.folderList')}>
            {folders.map((folder) => (
              <li key={folder} className={styles.folder}>
                <span className={styles.path} title={folder}>
                  {folder}
                </span>
                <IconButton label={t('loras.removeFolder', { path: folder })} icon={<Trash2 aria-hidden />} size="s" onClick={() => void setLoraFolders(folders.filter((other) => other !== folder))} />
              </li>
            ))}
          </ul>
        )}
        <form
          aria-label={t('loras.addFolder')}
          onSubmit={(event) => {
            event.preventDefault();
            // A portal's events rise through the form it stands in.
            event.stopPropagation();
            add();
          }}
        >
          <Field id={id} label={t('loras.folderPath')} error={problem === null ? null : [problem.message ?? problem.headline, problem.nextStep].filter((text) => text !== '').join(' ')}>
            <div className={styles.row}>
              <TextInput
                id={id}
                value={path}
                invalid={problem !== null}
                aria-describedby={problem === null ? undefined : errorId(id)}
                onChange={(event) => {
                  setPath(event.target.value);
                  forgetLoraProblem();
                }}
              />
              <Button type="submit" size="s" disabled={path.trim() === ''} icon={<FolderPlus aria-hidden />}>
                {t('loras.addFolder')}
              </Button>
            </div>
          </Field>
        </form>
      </div>
    </div>
  );
}
