import { useEffect } from 'react';
import { commands, type CommandId } from '../../../../shared/commands.ts';
import { canRun, runCommand } from '../../stores/commandActions.ts';
import { isMac, isPlainKey, isTyping, matchesKeys } from '../../stores/keyboard.ts';
import { isTurnedToStart } from '../../stores/stageSide.ts';
import { viewStore } from '../../stores/view.ts';

/** The shortcuts of shared/commands.ts, wherever the focus is. */
export function useCommandKeys(): void {
  useEffect(() => {
    const onKeyDown = (event: KeyboardEvent): void => {
      if (event.isComposing) return;
      const command = commandOf(event);
      if (command?.id === 'stop' && isDrawerOnTop() && !isLayerOpen()) {
        event.preventDefault();
        viewStore.setState({ drawerOpen: false });
        return;
      }
      if (command === undefined || !canRun(command.id)) return;
      if (command.keys !== null && isPlainKey(command.keys) && isLayerOpen()) return;
      // Escape closes what is open on top first; over a dialog nothing but Escape has a meaning.
      if (command.id === 'stop' ? isLayerOpen() : viewStore.getState().dialog !== null || isInLayer(event.target)) return;
      event.preventDefault();
      if (!event.repeat) runCommand(command.id);
      else if (repeatable.includes(command.id)) runCommand(command.id);
    };
    // While capturing: before a popover's own Escape has closed it.
    window.addEventListener('keydown', onKeyDown, { capture: true });
    return () => window.removeEventListener('keydown', onKeyDown, { capture: true });
  }, []);
}

/** Those that a key held down goes on with. */
const repeatable: readonly CommandId[] = ['previous-step', 'next-step', 'step-once'];

function commandOf(event: KeyboardEvent): (typeof commands)[number] | undefined {
  if (isSpaceToPause(event)) return commands.find(({ id }) => id === 'pause');
  const command = commands.find(({ keys }) => keys !== null && matchesKeys(event, keys, isMac()));
  return command?.keys !== undefined && command.keys !== null && isPlainKey(command.keys) && isTyping(event.target) ? undefined : command;
}

/** Space pauses where it has no other meaning: on nothing, on the canvas, on the strip. While a mask is painted it moves the picture. */
function isSpaceToPause(event: KeyboardEvent): boolean {
  if (event.key !== ' ' || event.ctrlKey || event.metaKey || event.altKey || event.shiftKey) return false;
  const { target } = event;
  if (!(target instanceof HTMLElement) || isTurnedToStart()) return false;
  return target === document.body || target.id === 'canvas' || target.matches('[role="listbox"]');
}

/** As in App.module.css: only where the window is too narrow for three columns does the history lie over the picture. */
function isDrawerOnTop(): boolean {
  return viewStore.getState().drawerOpen && window.matchMedia('(max-width: 1099.98px)').matches;
}

/** A panel's own keys go before those of the page. */
function isInLayer(target: EventTarget | null): boolean {
  return target instanceof Element && target.closest('[role="dialog"], [role="menu"]') !== null;
}

function isLayerOpen(): boolean {
  if (document.querySelector('[role="dialog"], [role="menu"]') !== null) return true;
  // A browser that does not know the selector would throw, and Escape would stop nothing at all.
  return CSS.supports('selector(select:open)') && document.querySelector('select:open') !== null;
}
