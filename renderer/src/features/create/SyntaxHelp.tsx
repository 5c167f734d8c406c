import { CircleHelp } from 'lucide-react';
import { useStore } from 'zustand';
import type { GenerationRequest } from '../../../../shared/generation.ts';
import { useText } from '../../i18n/useText.ts';
import { formStore } from '../../stores/form.ts';
import { IconButton } from '../../ui/IconButton.tsx';
import { Popover } from '../../ui/Popover.tsx';
import styles from './SyntaxHelp.module.css';

type Meaning = 'heavier' | 'lighter' | 'weight' | 'brackets' | 'swap' | 'turns' | 'break';

interface Row {
  /** As it is typed; `word` and `other` are put in the language of the page. */
  readonly text: string;
  readonly meaning: Meaning;
}

const weights: readonly Row[] = [
  { text: '(word:1.3)', meaning: 'weight' },
  { text: '(word)', meaning: 'heavier' },
];
const brackets: Row = { text: '\\(word\\)', meaning: 'brackets' };

/** The usual part of `electron/engine/text/SYNTAX.md`. */
const rowsOf: Readonly<Record<GenerationRequest['promptSyntax'], readonly Row[]>> = {
  a1111: [
    ...weights,
    { text: '[word]', meaning: 'lighter' },
    brackets,
    { text: '[word:other:0.5]', meaning: 'swap' },
    { text: '[word|other]', meaning: 'turns' },
    { text: 'BREAK', meaning: 'break' },
  ],
  comfy: [...weights, brackets],
  plain: [],
};

/** What brackets in a prompt do, a click away from it. */
export function SyntaxHelp() {
  const { t } = useText();
  const syntax = useStore(formStore, (form) => form.promptSyntax);
  const rows = rowsOf[syntax];
  const typed = (text: string): string => text.replaceAll('word', t('syntax.word')).replaceAll('other', t('syntax.other'));
  return (
    <Popover
      align="start"
      title={t(`syntax.title.${syntax}`)}
      trigger={<IconButton className={styles.open} size="s" label={t('syntax.open')} icon={<CircleHelp aria-hidden />} />}
    >
      {rows.length === 0 ? (
        <p className={styles.text}>{t('syntax.plainText')}</p>
      ) : (
        <dl className={styles.rows}>
          {rows.map(({ text, meaning }) => (
            <div key={text} className={styles.row}>
              <dt>
                <code className={styles.code}>{typed(text)}</code>
              </dt>
              <dd>{t(`syntax.${meaning}`)}</dd>
            </div>
          ))}
        </dl>
      )}
      <p className={styles.elsewhere}>{t('syntax.elsewhere')}</p>
    </Popover>
  );
}
