import { expect, it } from 'vitest';
import { ctrlC } from './ctrlC.ts';

it('takes a signal that comes twice at once for one press, and a later one for another', () => {
  const heard: string[] = [];
  let clock = 1_000;
  const listener = ctrlC(() => heard.push('first'), () => heard.push('second'), () => clock);
  listener();
  clock += 20;
  listener();
  expect(heard).toEqual(['first']);
  clock += 1_000;
  listener();
  expect(heard).toEqual(['first', 'second']);
});
