import { useEffect, useRef, type RefObject } from 'react';
import { useStore } from 'zustand';
import { useText } from '../../i18n/useText.ts';
import { appStore } from '../../stores/app.ts';
import { modelLibraryStore, readModelLibrary } from '../../stores/modelLibrary.ts';
import { viewStore } from '../../stores/view.ts';
import { Dialog } from '../../ui/Dialog.tsx';
import { AddModel } from './AddModel.tsx';
import { DownloadRow } from './DownloadRow.tsx';
import { KnownRepos } from './KnownRepos.tsx';
import { ModelRow } from './ModelRow.tsx';
import styles from './ModelsDialog.module.css';

/** The models there are, those on their way, and the way to more. */
export function ModelsDialog() {
  const { t } = useText();
  const open = useStore(viewStore, (view) => view.dialog === 'models');
  const address = useRef<HTMLInputElement>(null);
  useEffect(() => {
    if (open) void readModelLibrary();
  }, [open]);
  return (
    <Dialog
      open={open}
      title={t('models.title')}
      closeLabel={t('common.close')}
      className={styles.dialog}
      initialFocus={address}
      onClose={() => viewStore.setState({ dialog: null })}
    >
      <ModelsBody address={address} />
    </Dialog>
  );
}

function ModelsBody({ address }: { readonly address: RefObject<HTMLInputElement | null> }) {
  const { t } = useText();
  const models = useStore(appStore, (state) => state.models);
  const downloads = useStore(modelLibraryStore, (state) => state.downloads);
  return (
    <div className={styles.groups}>
      <AddModel field={address} />
      {downloads.length === 0 ? null : (
        <section aria-labelledby="models-downloads">
          <h3 id="models-downloads" className={styles.heading}>
            {t('models.downloads')}
          </h3>
          <ul className={styles.list}>
            {downloads.map((download) => (
              <DownloadRow key={download.id} download={download} />
            ))}
          </ul>
        </section>
      )}
      <section aria-labelledby="models-here">
        <h3 id="models-here" className={styles.heading}>
          {t('models.here')}
        </h3>
        <ul className={styles.list}>
          {models.map((model) => (
            <ModelRow key={model.id} model={model} />
          ))}
        </ul>
      </section>
      <KnownRepos />
    </div>
  );
}
