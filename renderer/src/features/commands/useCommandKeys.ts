import { useEffect } from 'react';
import { commands } from '../../../../shared/commands.ts';
import { canRun, runCommand } from '../../stores/commandActions.ts';
import { isMac, matchesKeys } from '../../stores/keyboard.ts';
import { viewStore } from '../../stores/view.ts';

/** The shortcuts of shared/commands.ts, wherever the focus is. */
export function useCommandKeys(): void {
  useEffect(() => {
    const onKeyDown = (event: KeyboardEvent): void => {
      if (event.isComposing) return;
      const command = commands.find(({ keys }) => keys !== null && matchesKeys(event, keys, isMac()));
      if (command?.id === 'stop' && !canRun('stop') && !isLayerOpen()) viewStore.setState({ drawerOpen: false });
      if (command === undefined || !canRun(command.id)) return;
      // Escape closes what is open on top first; over a dialog nothing but Escape has a meaning.
      if (command.id === 'stop' ? isLayerOpen() : viewStore.getState().dialog !== null) return;
      event.preventDefault();
      if (!event.repeat) runCommand(command.id);
      else if (command.id === 'previous-step' || command.id === 'next-step') runCommand(command.id);
    };
    // While capturing: before a popover's own Escape has closed it.
    window.addEventListener('keydown', onKeyDown, { capture: true });
    return () => window.removeEventListener('keydown', onKeyDown, { capture: true });
  }, []);
}

function isLayerOpen(): boolean {
  return document.querySelector('[role="dialog"], select:open') !== null;
}
