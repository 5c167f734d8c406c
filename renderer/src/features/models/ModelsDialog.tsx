import { useRef, type RefObject } from 'react';
import { useStore } from 'zustand';
import { useText } from '../../i18n/useText.ts';
import { appStore } from '../../stores/app.ts';
import { modelLibraryStore, readModelLibrary } from '../../stores/modelLibrary.ts';
import { useDialog } from '../../stores/useDialog.ts';
import { Dialog } from '../../ui/Dialog.tsx';
import { List, Section, Sections } from '../../ui/Section.tsx';
import { AddModel } from './AddModel.tsx';
import { DownloadRow } from './DownloadRow.tsx';
import { KnownRepos } from './KnownRepos.tsx';
import { ModelRow } from './ModelRow.tsx';

/** The models there are, those on their way, and the way to more. */
export function ModelsDialog() {
  const { t } = useText();
  const address = useRef<HTMLInputElement>(null);
  return (
    <Dialog {...useDialog('models', readModelLibrary)} title={t('models.title')} closeLabel={t('common.close')} width={720} height={760} initialFocus={address}>
      <ModelsBody address={address} />
    </Dialog>
  );
}

function ModelsBody({ address }: { readonly address: RefObject<HTMLInputElement | null> }) {
  const { t } = useText();
  const models = useStore(appStore, (state) => state.models);
  const downloads = useStore(modelLibraryStore, (state) => state.downloads);
  return (
    <Sections>
      <AddModel field={address} />
      {downloads.length === 0 ? null : (
        <Section id="models-downloads" title={t('models.downloads')}>
          <List>
            {downloads.map((download) => (
              <DownloadRow key={download.id} download={download} />
            ))}
          </List>
        </Section>
      )}
      <Section id="models-here" title={t('models.here')}>
        <List>
          {models.map((model) => (
            <ModelRow key={model.id} model={model} />
          ))}
        </List>
      </Section>
      <KnownRepos />
    </Sections>
  );
}
