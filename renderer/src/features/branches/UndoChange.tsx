import { useText } from '../../i18n/useText.ts';
import { ResetMark } from '../../ui/ResetMark.tsx';

/** Beside the label of a field that differs from the run. */
export function UndoChange({ label, onUndo }: { readonly label: string; onUndo(): void }) {
  const { t } = useText();
  return <ResetMark label={t('fork.undoChange', { label })} onReset={onUndo} />;
}
