import styles from './Keys.module.css';

export interface KeysProps {
  /** As in shared/commands.ts: `Mod+Shift+G`. */
  readonly keys: string;
  readonly mac: boolean;
}

const macNames: Readonly<Record<string, string>> = { Mod: '⌘', Shift: '⇧', Alt: '⌥', Enter: '↩', Escape: 'Esc' };
const otherNames: Readonly<Record<string, string>> = { Mod: 'Ctrl', Enter: 'Enter', Escape: 'Esc' };
/** `+` stands between keys, so the key itself is called `Plus`. */
const signs: Readonly<Record<string, string>> = {
  Plus: '+',
  ArrowLeft: '←',
  ArrowRight: '→',
  ArrowUp: '↑',
  ArrowDown: '↓',
};

export function keyNames(keys: string, mac: boolean): readonly string[] {
  const names = mac ? macNames : otherNames;
  return keys.split('+').map((key) => names[key] ?? signs[key] ?? key);
}

export function Keys({ keys, mac }: KeysProps) {
  return (
    <span className={styles.keys}>
      {keyNames(keys, mac).map((name) => (
        <kbd key={name} className={styles.key}>
          {name}
        </kbd>
      ))}
    </span>
  );
}
