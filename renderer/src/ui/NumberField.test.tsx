import { cleanup, fireEvent, render, screen } from '@testing-library/react';
import { useState } from 'react';
import { afterEach, describe, expect, it } from 'vitest';
import { NumberField, stepped } from './NumberField.tsx';

afterEach(cleanup);

function Probe({ start }: { readonly start: string }) {
  const [text, setText] = useState(start);
  return (
    <NumberField id="n" label="Steps" text={text} min={1} max={500} step={1} decreaseLabel="less" increaseLabel="more" onText={setText} />
  );
}

const value = (): string => screen.getByRole<HTMLInputElement>('spinbutton', { name: 'Steps' }).value;

describe('a number field', () => {
  it('goes by its keys and buttons, and stops at its ends', () => {
    render(<Probe start="499" />);
    fireEvent.keyDown(screen.getByRole('spinbutton'), { key: 'ArrowUp' });
    expect(value()).toBe('500');
    fireEvent.keyDown(screen.getByRole('spinbutton'), { key: 'ArrowUp' });
    expect(value()).toBe('500');
    fireEvent.click(screen.getByRole('button', { name: 'less' }));
    expect(value()).toBe('499');
  });

  it('leaves what was typed as it is', () => {
    render(<Probe start="20" />);
    fireEvent.change(screen.getByRole('spinbutton'), { target: { value: '9999x' } });
    fireEvent.blur(screen.getByRole('spinbutton'));
    expect(value()).toBe('9999x');
  });

  it('steps to multiples', () => {
    expect(stepped(130, 1, 8, 64, 256)).toBe(136);
    expect(stepped(130, -1, 8, 64, 256)).toBe(128);
    expect(stepped(7.3, 1, 0.5, 0, 30)).toBe(7.5);
    expect(stepped(0.7, 1, 0.1, 0, 1)).toBe(0.8);
  });
});
