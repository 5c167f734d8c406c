import { Brush, CircleDashed, Eraser, PaintBucket, Redo2, SlidersHorizontal, Trash2, Undo2 } from 'lucide-react';
import { useId } from 'react';
import { useStore } from 'zustand';
import { useText } from '../../i18n/useText.ts';
import { fillMask, invertWholeMask, maskStore, redoMask, undoMask } from '../../stores/mask.ts';
import { maskToolsStore, setMaskTools } from '../../stores/maskTools.ts';
import { isMac } from '../../stores/keyboard.ts';
import { IconButton } from '../../ui/IconButton.tsx';
import { Popover } from '../../ui/Popover.tsx';
import { RangeSlider } from '../../ui/RangeSlider.tsx';
import { MaskOptions } from './MaskOptions.tsx';
import styles from './MaskToolbar.module.css';
import { sizeFromSlider, sliderFromSize, sliderSteps } from './sizeScale.ts';

/** One row over the picture; every button says its key. */
export function MaskToolbar() {
  const { t } = useText();
  const id = useId();
  const { tool, size } = useStore(maskToolsStore);
  const canUndo = useStore(maskStore, (mask) => mask.canUndo);
  const canRedo = useStore(maskStore, (mask) => mask.canRedo);
  const empty = useStore(maskStore, (mask) => mask.bounds === null);
  const mod = isMac() ? '⌘' : 'Ctrl+';
  const named = (name: string, key: string): string => `${name} (${key})`;
  return (
    <div className={styles.bar} role="toolbar" aria-label={t('mask.tools')} data-testid="mask-tools">
      <IconButton size="s" label={named(t('mask.brush'), 'B')} icon={<Brush aria-hidden />} pressed={tool === 'brush'} onClick={() => setMaskTools({ tool: 'brush' })} />
      <IconButton size="s" label={named(t('mask.eraser'), 'E')} icon={<Eraser aria-hidden />} pressed={tool === 'eraser'} onClick={() => setMaskTools({ tool: 'eraser' })} />
      <div className={styles.size} title={named(t('mask.size'), '[ ]')}>
        <span className={styles.dot} aria-hidden />
        <RangeSlider
          id={id}
          className={styles.slider}
          label={t('mask.size')}
          value={sliderFromSize(size)}
          min={0}
          max={sliderSteps}
          spoken={t('mask.pixels', { count: size })}
          onChange={(at) => setMaskTools({ size: sizeFromSlider(at) })}
        />
        <output className={styles.value} htmlFor={id}>
          {t('mask.pixels', { count: size })}
        </output>
      </div>
      <span className={styles.gap} aria-hidden />
      <IconButton size="s" label={named(t('mask.undo'), `${mod}Z`)} icon={<Undo2 aria-hidden />} disabled={!canUndo} onClick={undoMask} />
      <IconButton size="s" label={named(t('mask.redo'), `${mod}Shift+Z`)} icon={<Redo2 aria-hidden />} disabled={!canRedo} onClick={redoMask} />
      <span className={styles.gap} aria-hidden />
      <IconButton size="s" label={named(t('mask.invert'), 'I')} icon={<CircleDashed aria-hidden />} onClick={invertWholeMask} />
      <IconButton size="s" label={t('mask.fill')} icon={<PaintBucket aria-hidden />} onClick={() => fillMask(255)} />
      <IconButton size="s" label={t('mask.clear')} icon={<Trash2 aria-hidden />} disabled={empty} onClick={() => fillMask(0)} />
      <Popover
        align="end"
        title={t('mask.more')}
        trigger={<IconButton size="s" label={t('mask.more')} icon={<SlidersHorizontal aria-hidden />} />}
      >
        <MaskOptions />
      </Popover>
    </div>
  );
}
