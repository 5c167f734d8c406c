import { expect, it } from 'vitest';
import { pastedPicture } from './usePictureArrival.ts';

const file = new File([Uint8Array.of(1)], 'image.png', { type: 'image/png' });

function clipboard(files: readonly File[], types: readonly string[]): DataTransfer {
  return { files, types } as unknown as DataTransfer;
}

it('takes a pasted picture wherever the focus is, but leaves text to a text field', () => {
  const field = document.createElement('textarea');
  const picture = clipboard([file], ['Files']);
  const both = clipboard([file], ['text/plain', 'Files']);
  expect(pastedPicture(picture, document.body)).toBe(file);
  expect(pastedPicture(picture, field)).toBe(file);
  expect(pastedPicture(both, document.body)).toBe(file);
  expect(pastedPicture(both, field)).toBeNull();
  expect(pastedPicture(clipboard([], ['text/plain']), document.body)).toBeNull();
  expect(pastedPicture(clipboard([new File(['x'], 'x.txt', { type: 'text/plain' })], ['Files']), document.body)).toBeNull();
});
