/**
 * What a person can do from the keyboard and the menu, as data: the menu, the shortcuts and the help all read this list.
 * `Mod` is Ctrl, on a Mac Cmd.
 */
export interface Command {
  readonly id: string;
  /** Message key of its label, under `command.`. */
  readonly label: string;
  readonly keys: string | null;
  readonly menu: 'file' | 'generate' | 'view' | 'help';
}

export const commands = [
  { id: 'generate', label: 'generate', keys: 'Mod+Enter', menu: 'generate' },
  { id: 'stop', label: 'stop', keys: 'Escape', menu: 'generate' },
  { id: 'pause', label: 'pause', keys: 'P', menu: 'generate' },
  { id: 'step-once', label: 'stepOnce', keys: '.', menu: 'generate' },
  { id: 'guidance-off', label: 'guidanceOff', keys: 'Mod+Shift+G', menu: 'generate' },
  { id: 'new-seed', label: 'newSeed', keys: 'Mod+Shift+R', menu: 'generate' },
  { id: 'task-text', label: 'taskText', keys: 'Mod+1', menu: 'generate' },
  { id: 'task-image', label: 'taskImage', keys: 'Mod+2', menu: 'generate' },
  { id: 'task-inpaint', label: 'taskInpaint', keys: 'Mod+3', menu: 'generate' },
  { id: 'save-as', label: 'saveAs', keys: 'Mod+S', menu: 'file' },
  { id: 'copy-picture', label: 'copyPicture', keys: 'Mod+Shift+C', menu: 'file' },
  { id: 'reveal', label: 'reveal', keys: null, menu: 'file' },
  { id: 'models', label: 'models', keys: 'Mod+Shift+L', menu: 'file' },
  { id: 'settings', label: 'settings', keys: 'Mod+,', menu: 'file' },
  { id: 'previous-step', label: 'previousStep', keys: 'Alt+ArrowLeft', menu: 'view' },
  { id: 'next-step', label: 'nextStep', keys: 'Alt+ArrowRight', menu: 'view' },
  { id: 'shortcuts', label: 'shortcuts', keys: 'F1', menu: 'help' },
] as const satisfies readonly Command[];

export type CommandId = (typeof commands)[number]['id'];
