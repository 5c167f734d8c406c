import { useEffect, useId, useRef, useState } from 'react';
import { useStore } from 'zustand';
import type { InputImage } from '../../../../shared/generation.ts';
import { useText } from '../../i18n/useText.ts';
import { formStore } from '../../stores/form.ts';
import { maskStore } from '../../stores/mask.ts';
import { settleNotices } from '../../stores/notices.ts';
import { inputUrl } from '../../stores/sendInput.ts';
import hidden from '../../ui/hidden.module.css';
import { Spinner } from '../../ui/Spinner.tsx';
import { CropOutline } from './CropOutline.tsx';
import { listenToKeys, type Keyboard } from './keys.ts';
import styles from './MaskPainter.module.css';
import { MaskQuestion } from './MaskQuestion.tsx';
import { listenToPointers } from './pointers.ts';
import { Surface } from './surface.ts';
import { surfaceStore } from './surfaceStore.ts';
import { ZoomControls } from './ZoomControls.tsx';

/** The start picture with its mask, to paint on. */
export function MaskPainter() {
  const image = useStore(formStore, (form) => form.image);
  return image === null ? null : <Painter key={image.id} image={image} />;
}

function Painter({ image }: { readonly image: InputImage }) {
  const { t, format } = useText();
  const helpId = useId();
  const viewport = useRef<HTMLDivElement>(null);
  const sheet = useRef<HTMLDivElement>(null);
  const canvas = useRef<HTMLCanvasElement>(null);
  const ring = useRef<HTMLDivElement>(null);
  const [place, setPlace] = useState('');
  const coverage = useStore(maskStore, (mask) => mask.coverage);
  const empty = useStore(maskStore, (mask) => mask.bounds === null);
  const loading = useStore(maskStore, (mask) => mask.loading);
  const { width, height } = image;

  useEffect(() => {
    if (viewport.current === null || sheet.current === null || canvas.current === null || ring.current === null) return undefined;
    const parts = { viewport: viewport.current, sheet: sheet.current, canvas: canvas.current, ring: ring.current };
    const surface = new Surface(parts, { width, height });
    const keyboard: Keyboard = listenToKeys(surface, ({ x, y }) => setPlace(`${String(Math.round(x))}, ${String(Math.round(y))}`));
    const quiet = listenToPointers(surface, {
      isPanning: () => keyboard.isPanning(),
      onUse: () => {
        keyboard.rest();
        settleNotices();
      },
    });
    surfaceStore.setState({ surface });
    return () => {
      surfaceStore.setState({ surface: null });
      quiet();
      keyboard.dispose();
      surface.dispose();
    };
  }, [width, height]);

  return (
    <div className={styles.painter}>
      <div
        ref={viewport}
        className={styles.viewport}
        role="application"
        aria-label={t('mask.surface')}
        aria-describedby={helpId}
        tabIndex={0}
        data-testid="mask-surface"
      >
        <div ref={sheet} className={styles.sheet} style={{ width, height }}>
          <img className={styles.picture} src={inputUrl(image.id)} alt={t('start.label')} draggable={false} />
          <CropOutline image={image} />
        </div>
        <canvas ref={canvas} className={styles.tint} aria-hidden />
        <div ref={ring} className={styles.ring} hidden />
        {loading ? (
          <p className={styles.loading}>
            <Spinner />
            {t('mask.loading')}
          </p>
        ) : null}
        {empty && !loading ? <p className={styles.invite}>{t('mask.invite')}</p> : null}
        <ZoomControls />
      </div>
      <MaskQuestion />
      <p id={helpId} className={hidden.hidden}>
        {t('mask.help')}
      </p>
      <p className={hidden.hidden} role="status" aria-live="polite" data-testid="mask-status">
        {empty ? t('mask.empty') : t('mask.covers', { percent: format.percent(coverage) })}
      </p>
      <p className={hidden.hidden} aria-live="polite">
        {place}
      </p>
    </div>
  );
}
