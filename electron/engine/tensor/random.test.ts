import { describe, expect, it } from 'vitest';
import { TorchGenerator } from './random.ts';

/** More of torch's values: noise.test.ts. */
describe('normal noise of torch', () => {
  it.each([
    ['0', [-1.12584, -1.15236, -0.250579], 0.322275, -1.078208],
    ['1', [-1.525596, -0.750232, -0.653981], -0.712145, 1.795921],
    ['42', [1.926915, 1.487284, 0.900717], -0.752135, -0.293406],
  ] as const)('latents of 512 px, seed %s', (seed, start, ninth, last) => {
    const { data } = new TorchGenerator(seed).normal([1, 4, 64, 64]);
    const picked = [data[0], data[1], data[2], data[8], data[data.length - 1]];
    picked.forEach((value, index) => expect(value).toBeCloseTo([...start, ninth, last][index] ?? NaN, 5));
  });

  it('goes on the same after its state went through JSON', () => {
    const generator = new TorchGenerator('9');
    generator.normal([3]);
    generator.normal([1, 4, 5, 5]);
    const copy = new TorchGenerator('0');
    copy.restore(JSON.parse(JSON.stringify(generator.snapshot())));
    expect(copy.normal([5])).toEqual(generator.normal([5]));
    expect(copy.normal([1, 4, 9, 9])).toEqual(generator.normal([1, 4, 9, 9]));
  });

  it('refuses a state that is none', () => {
    expect(() => new TorchGenerator('0').restore({ words: [1] })).toThrow(/random state/);
  });
});
