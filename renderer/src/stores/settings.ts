import { createStore } from 'zustand/vanilla';
import { defaultSettings, type Settings } from '../../../shared/contract.ts';

export const settingsStore = createStore<Settings>(() => defaultSettings);
