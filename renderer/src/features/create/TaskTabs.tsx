import { useStore } from 'zustand';
import { commands } from '../../../../shared/commands.ts';
import { tasks, type Task } from '../../../../shared/generation.ts';
import { useText } from '../../i18n/useText.ts';
import { formStore, setForm } from '../../stores/form.ts';
import { isMac } from '../../stores/keyboard.ts';
import { keyNames } from '../../ui/Keys.tsx';
import { Tabs } from '../../ui/Tabs.tsx';

/** Ids of the tabs and of the panel below them. */
export const tabsId = 'task';
export const panelId = 'task-panel';

const commandOf = { 'text-to-image': 'task-text', 'image-to-image': 'task-image', inpaint: 'task-inpaint' } as const;

/** What is drawn from: a text, a picture, a picture with a mask. One form serves all three. */
export function TaskTabs() {
  const { t } = useText();
  const task = useStore(formStore, (form) => form.task);
  return (
    <Tabs
      id={tabsId}
      label={t('task.label')}
      value={task}
      tabs={tasks.map((value) => ({ value, label: t(`task.${value}`), title: titleOf(value, t(`task.hint.${value}`)) }))}
      panelId={panelId}
      onChange={(next) => setForm({ task: next })}
    />
  );
}

function titleOf(task: Task, hint: string): string {
  const keys = commands.find(({ id }) => id === commandOf[task])?.keys ?? null;
  return keys === null ? hint : `${hint} (${keyNames(keys, isMac()).join('+')})`;
}
