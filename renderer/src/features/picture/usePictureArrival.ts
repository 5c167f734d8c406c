import { useEffect } from 'react';
import { createStore } from 'zustand/vanilla';
import { appStore } from '../../stores/app.ts';
import { takePictureFile } from '../../stores/inputs.ts';
import { takeModelFile } from '../../stores/modelLibrary.ts';
import { watchMask } from '../../stores/maskFile.ts';
import { watchStageSide } from '../../stores/stageSide.ts';

/** True while a file is dragged over the window. */
export const dragStore = createStore<{ readonly over: boolean }>(() => ({ over: false }));

/** Takes pictures dropped anywhere in the window and pasted ones, and other files as models; a file never replaces the page. Keeps mask and stage with them. */
export function usePictureArrival(): void {
  useEffect(() => {
    const over = (event: DragEvent): void => {
      if (!bringsFiles(event.dataTransfer)) return;
      event.preventDefault();
      if (event.dataTransfer !== null) event.dataTransfer.dropEffect = 'copy';
      dragStore.setState({ over: true });
    };
    const leave = (event: DragEvent): void => {
      // Only out of the window: between two elements there is a next one.
      if (event.relatedTarget === null) dragStore.setState({ over: false });
    };
    const drop = (event: DragEvent): void => {
      if (!bringsFiles(event.dataTransfer)) return;
      event.preventDefault();
      dragStore.setState({ over: false });
      const file = event.dataTransfer?.files[0];
      if (file !== undefined) take(file);
    };
    const paste = (event: ClipboardEvent): void => {
      const file = pastedPicture(event.clipboardData, event.target);
      if (file === null) return;
      event.preventDefault();
      take(file);
    };
    const end = (): void => dragStore.setState({ over: false });
    const stops = [watchMask(), watchStageSide()];
    window.addEventListener('dragover', over);
    window.addEventListener('dragleave', leave);
    window.addEventListener('drop', drop);
    window.addEventListener('dragend', end);
    window.addEventListener('paste', paste);
    return () => {
      for (const stop of stops) stop();
      window.removeEventListener('dragover', over);
      window.removeEventListener('dragleave', leave);
      window.removeEventListener('drop', drop);
      window.removeEventListener('dragend', end);
      window.removeEventListener('paste', paste);
    };
  }, []);
}

function take(file: File): void {
  if (!appStore.getState().ready) return;
  if (!file.type.startsWith('image/')) {
    takeModelFile(file);
    return;
  }
  // A picture from the clipboard is called `image.png` by every browser: that is no name.
  void takePictureFile(file, file.name === 'image.png' || file.name === '' ? null : file.name);
}

function bringsFiles(data: DataTransfer | null): boolean {
  return data?.types.includes('Files') === true;
}

/** The picture in the clipboard; null where a text field is the better taker: it has the focus, and there is text. */
export function pastedPicture(data: DataTransfer | null, target: EventTarget | null): File | null {
  const file = [...(data?.files ?? [])].find(({ type }) => type.startsWith('image/'));
  if (data === null || file === undefined) return null;
  const inText = target instanceof HTMLElement && (target.isContentEditable || target.matches('input, textarea'));
  return inText && data.types.includes('text/plain') ? null : file;
}
