import { useEffect } from 'react';
import { useStore } from 'zustand';
import { viewStore, type DialogName } from './view.ts';

/** @param onOpen asks for what the dialog shows; the same function at every call */
export function useDialog(name: DialogName, onOpen?: () => Promise<void>): { readonly open: boolean; onClose(): void } {
  const open = useStore(viewStore, (view) => view.dialog === name);
  useEffect(() => {
    if (open) void onOpen?.();
  }, [open, onOpen]);
  return { open, onClose: () => viewStore.setState({ dialog: null }) };
}
