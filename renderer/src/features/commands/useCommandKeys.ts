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
      if (command?.id === 'stop' && isDrawerOnTop() && !isLayerOpen()) {
        event.preventDefault();
        viewStore.setState({ drawerOpen: false });
        return;
      }
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

/** As in App.module.css: only where the window is too narrow for three columns does the history lie over the picture. */
function isDrawerOnTop(): boolean {
  return viewStore.getState().drawerOpen && window.matchMedia('(max-width: 1099.98px)').matches;
}

function isLayerOpen(): boolean {
  if (document.querySelector('[role="dialog"]') !== null) return true;
  // A browser that does not know the selector would throw, and Escape would stop nothing at all.
  return CSS.supports('selector(select:open)') && document.querySelector('select:open') !== null;
}
