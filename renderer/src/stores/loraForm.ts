import { maxLoras } from '../../../shared/generation.ts';
import { type FormLora, formStore, setForm } from './form.ts';
import { forgetRefusal } from './formChecks.ts';

function change(edit: (loras: readonly FormLora[]) => readonly FormLora[]): void {
  forgetRefusal('loras');
  setForm({ loras: edit(formStore.getState().loras) });
}

export function isFull(loras: readonly FormLora[]): boolean {
  return loras.length >= maxLoras;
}

/** One that is there already stays as it is. */
export function addLora(name: string): void {
  change((loras) => (isFull(loras) || loras.some((lora) => lora.name === name) ? loras : [...loras, { name, strength: '1', textStrength: '', course: 'constant', points: [] }]));
}

export function changeLora(name: string, edit: Partial<Omit<FormLora, 'name'>>): void {
  change((loras) => loras.map((lora) => (lora.name === name ? { ...lora, ...edit } : lora)));
}

/** @returns what puts it back where it was */
export function removeLora(name: string): () => void {
  const before = formStore.getState().loras;
  const place = before.findIndex((lora) => lora.name === name);
  const removed = before[place];
  change((loras) => loras.filter((lora) => lora.name !== name));
  return () => {
    if (removed !== undefined) change((loras) => (isFull(loras) || loras.some((lora) => lora.name === name) ? loras : loras.toSpliced(place, 0, removed)));
  };
}
