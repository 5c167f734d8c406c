import type { Task } from '../../../../shared/generation.ts';
import { useText } from '../../i18n/useText.ts';
import { turnStage, type StageSide } from '../../stores/stageSide.ts';
import { Segmented } from '../../ui/Segmented.tsx';

/** Between what a run starts from and what came of it. */
export function StageSwitch({ side, task }: { readonly side: StageSide; readonly task: Task }) {
  const { t } = useText();
  return (
    <Segmented
      name="stage-side"
      label={t('stage.side')}
      size="s"
      value={side}
      segments={[
        { value: 'start', label: task === 'inpaint' ? t('stage.mask') : t('stage.start') },
        { value: 'result', label: t('stage.result') },
      ]}
      onChange={turnStage}
    />
  );
}
