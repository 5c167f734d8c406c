import { Copy } from 'lucide-react';
import { useStore } from 'zustand';
import type { Model } from '../../../../shared/models.ts';
import { useText } from '../../i18n/useText.ts';
import { copyModel, modelLibraryStore } from '../../stores/modelLibrary.ts';
import { Button } from '../../ui/Button.tsx';

export interface CopyModelProps {
  readonly model: Model;
  /** The button goes when the copy is there: the focus is to be elsewhere by then. */
  onStart(): void;
}

/** Takes a checkpoint's weights into the app's folder, for one that lies on another disk. */
export function CopyModel({ model, onStart }: CopyModelProps) {
  const { t, format } = useText();
  const copying = useStore(modelLibraryStore, (state) => state.copying.includes(model.id));
  const size = format.bytes(model.bytes);
  return (
    <Button
      size="s"
      disabled={copying}
      aria-label={t('models.copyNamed', { name: model.name, size })}
      icon={<Copy aria-hidden />}
      onClick={() => {
        onStart();
        void copyModel(model.id);
      }}
    >
      {t('models.copy', { size })}
    </Button>
  );
}
