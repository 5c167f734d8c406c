import { SquareSplitHorizontal } from 'lucide-react';
import { useEffect } from 'react';
import { useStore } from 'zustand';
import type { GenerationRequest } from '../../../../shared/generation.ts';
import { useText } from '../../i18n/useText.ts';
import { isTyping } from '../../stores/keyboard.ts';
import { compare, stageSideStore } from '../../stores/stageSide.ts';
import { IconButton } from '../../ui/IconButton.tsx';
import styles from './CompareButton.module.css';

const key = 'c';

/** Shows the picture a run started from for as long as it is held, or its key. */
export function CompareButton({ request }: { readonly request: GenerationRequest | null }) {
  const { t } = useText();
  const comparing = useStore(stageSideStore, (stage) => stage.comparing);
  const possible = (request?.image ?? null) !== null;

  useEffect(() => {
    if (!possible) return undefined;
    const down = (event: KeyboardEvent): void => {
      const plain = !event.ctrlKey && !event.metaKey && !event.altKey && !event.shiftKey;
      if (plain && event.key.toLowerCase() === key && !isTyping(event.target)) compare(true);
    };
    const up = (event: KeyboardEvent): void => {
      if (event.key.toLowerCase() === key) compare(false);
    };
    const end = (): void => compare(false);
    window.addEventListener('keydown', down);
    window.addEventListener('keyup', up);
    window.addEventListener('blur', end);
    return () => {
      window.removeEventListener('keydown', down);
      window.removeEventListener('keyup', up);
      window.removeEventListener('blur', end);
      compare(false);
    };
  }, [possible]);

  if (!possible) return null;
  const isPress = (pressed: string): boolean => pressed === ' ' || pressed === 'Enter';
  return (
    <div className={styles.place}>
      <IconButton
        label={t('stage.compare')}
        icon={<SquareSplitHorizontal aria-hidden />}
        pressed={comparing}
        onPointerDown={() => compare(true)}
        onPointerUp={() => compare(false)}
        onPointerLeave={() => compare(false)}
        onKeyDown={(event) => {
          if (isPress(event.key)) compare(true);
        }}
        onKeyUp={(event) => {
          if (isPress(event.key)) compare(false);
        }}
        onBlur={() => compare(false)}
      />
    </div>
  );
}
