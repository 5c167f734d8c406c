import { assertNever } from '../../../shared/errors.ts';
import { imageToImage } from './imageToImage.ts';
import { inpaint } from './inpaint.ts';
import type { StartInput, TaskStart } from './taskStart.ts';
import { textToImage } from './textToImage.ts';

export function startTask(input: StartInput): Promise<TaskStart> {
  const { task } = input.request;
  switch (task) {
    case 'text-to-image':
      return Promise.resolve(textToImage(input));
    case 'image-to-image':
      return imageToImage(input);
    case 'inpaint':
      return inpaint(input);
    default:
      return assertNever(task);
  }
}
