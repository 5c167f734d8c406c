import { X } from 'lucide-react';
import { useState } from 'react';
import { useStore } from 'zustand';
import type { Failure } from '../../../../shared/errors.ts';
import { useText } from '../../i18n/useText.ts';
import { changeFolders } from '../../stores/folderSettings.ts';
import { notifyFailure } from '../../stores/notices.ts';
import { settingsStore } from '../../stores/settings.ts';
import { Button } from '../../ui/Button.tsx';
import { IconButton } from '../../ui/IconButton.tsx';
import { List, Section } from '../../ui/Section.tsx';
import styles from './FileSettings.module.css';
import { FolderInput } from './FolderInput.tsx';
import { RunsLimit } from './RunsLimit.tsx';

/** Where files lie, and how much of the disk they may take. */
export function FileSettings() {
  const { t } = useText();
  return (
    <>
      <Section id="settings-models-folder" title={t('models.title')}>
        <ModelsFolder />
      </Section>
      <Section id="settings-adapters" title={t('settings.adapters')}>
        <AdapterFolders />
      </Section>
      <Section id="settings-runs" title={t('settings.runs')}>
        <RunsLimit />
      </Section>
    </>
  );
}

function ModelsFolder() {
  const { t } = useText();
  const folder = useStore(settingsStore, (settings) => settings.modelsFolder);
  const change = (modelsFolder: string | null): Promise<Failure | null> => changeFolders({ modelsFolder });
  return (
    <FolderInput
      label={t('settings.modelsFolder')}
      hint={t('settings.modelsFolderHint')}
      placeholder={t('settings.modelsFolderDefault')}
      value={folder ?? ''}
      submitLabel={t('settings.folderUse')}
      onSubmit={change}
    >
      {folder === null ? null : (
        <Button look="quiet" onClick={() => void change(null).then(tellRefusal)}>
          {t('settings.folderDefault')}
        </Button>
      )}
    </FolderInput>
  );
}

function AdapterFolders() {
  const { t } = useText();
  const folders = useStore(settingsStore, (settings) => settings.adapterFolders);
  // A new input for the next folder once one was taken.
  const [taken, setTaken] = useState(0);
  const add = async (path: string): Promise<Failure | null> => {
    const failure = await changeFolders({ adapterFolders: [...folders, path] });
    if (failure === null) setTaken(taken + 1);
    return failure;
  };
  return (
    <>
      {folders.length === 0 ? null : (
        <List className={styles.folders}>
          {folders.map((folder) => (
            <li key={folder} className={styles.folder}>
              <span className={styles.path}>{folder}</span>
              <IconButton
                label={t('settings.folderRemove', { path: folder })}
                icon={<X aria-hidden />}
                size="s"
                onClick={() => void changeFolders({ adapterFolders: folders.filter((other) => other !== folder) }).then(tellRefusal)}
              />
            </li>
          ))}
        </List>
      )}
      <FolderInput
        key={taken}
        label={t('settings.adapterFolder')}
        hint={t('settings.adapterFolderHint')}
        placeholder={t('settings.adapterFolderExample')}
        value=""
        submitLabel={t('settings.folderAdd')}
        onSubmit={add}
      />
    </>
  );
}

function tellRefusal(failure: Failure | null): void {
  if (failure !== null) notifyFailure(failure);
}
