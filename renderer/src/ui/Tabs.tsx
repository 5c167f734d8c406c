import { useRef, type KeyboardEvent } from 'react';
import styles from './Tabs.module.css';

export interface Tab<V extends string> {
  readonly value: V;
  readonly label: string;
  /** What else there is to say of it, as a tooltip. */
  readonly title?: string | undefined;
}

export interface TabsProps<V extends string> {
  /** Start of the ids of its tabs. */
  readonly id: string;
  readonly label: string;
  readonly value: V;
  readonly tabs: readonly Tab<V>[];
  /** Id of the panel that all tabs share. */
  readonly panelId: string;
  onChange(value: V): void;
}

/** The id of a tab, for the `aria-labelledby` of its panel. */
export function tabId(id: string, value: string): string {
  return `${id}-${value}`;
}

/** Tabs over one panel. Arrow keys, Home and End go along and choose at once. */
export function Tabs<V extends string>({ id, label, value, tabs, panelId, onChange }: TabsProps<V>) {
  const list = useRef<HTMLDivElement>(null);
  const choose = (index: number): void => {
    const tab = tabs[(index + tabs.length) % tabs.length];
    if (tab === undefined) return;
    onChange(tab.value);
    list.current?.querySelector<HTMLElement>(`[data-value="${tab.value}"]`)?.focus();
  };
  const onKeyDown = (event: KeyboardEvent): void => {
    if (event.altKey || event.ctrlKey || event.metaKey || event.shiftKey) return;
    const at = tabs.findIndex((tab) => tab.value === value);
    const next: Readonly<Record<string, number>> = { ArrowLeft: at - 1, ArrowRight: at + 1, Home: 0, End: tabs.length - 1 };
    const index = next[event.key];
    if (index === undefined) return;
    event.preventDefault();
    choose(index);
  };
  return (
    <div ref={list} className={styles.list} role="tablist" aria-label={label} onKeyDown={onKeyDown}>
      {tabs.map((tab) => (
        <button
          key={tab.value}
          id={tabId(id, tab.value)}
          type="button"
          role="tab"
          className={styles.tab}
          title={tab.title}
          data-value={tab.value}
          aria-selected={tab.value === value}
          aria-controls={panelId}
          tabIndex={tab.value === value ? 0 : -1}
          onClick={() => onChange(tab.value)}
        >
          {tab.label}
        </button>
      ))}
    </div>
  );
}
