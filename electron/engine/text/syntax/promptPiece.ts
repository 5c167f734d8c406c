/** A run of text with one weight: how much more or less of it the picture should hold. */
export interface PromptPiece {
  readonly text: string;
  readonly weight: number;
}

/** AUTOMATIC1111's own sign for a BREAK among the pieces. */
export const breakPiece: PromptPiece = { text: 'BREAK', weight: -1 };

export function isBreak({ text, weight }: PromptPiece): boolean {
  return text === breakPiece.text && weight === breakPiece.weight;
}
