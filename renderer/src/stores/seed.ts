import { seedSchema } from '../../../shared/generation.ts';

/** A fresh seed in the range other apps use too, 0..2^32-1; larger ones can be typed. */
export function randomSeed(): string {
  const values = crypto.getRandomValues(new Uint32Array(1));
  return String(values[0] ?? 0);
}

/** The seed as it is sent, or null when the text is none. Digits above 2^53 survive: it stays text. */
export function parseSeed(text: string): string | null {
  const trimmed = text.trim();
  if (!/^[0-9]+$/.test(trimmed)) return null;
  const digits = BigInt(trimmed).toString();
  return seedSchema.safeParse(digits).success ? digits : null;
}
