import { ArgumentError, type Given, type ValueOption } from './options.ts';

/** Readers of one option each; null where it was not given. All throw ArgumentError naming the option. */

const numberPattern = /^[+-]?(\d+(\.\d*)?|\.\d+)(e[+-]?\d+)?$/i;

export function refuse(name: string, reason: string): never {
  throw new ArgumentError(`--${name}: ${reason}`);
}

function numberOf(name: ValueOption | 'steer', text: string): number {
  const trimmed = text.trim();
  const value = Number(trimmed);
  if (!numberPattern.test(trimmed) || !Number.isFinite(value)) refuse(name, `"${text}" is no number.`);
  return value;
}

export function decimal(given: Given, name: ValueOption): number | null {
  const text = given[name];
  return text === undefined ? null : numberOf(name, text);
}

export function whole(given: Given, name: ValueOption): number | null {
  const value = decimal(given, name);
  if (value !== null && !Number.isInteger(value)) refuse(name, `"${given[name] ?? ''}" is no whole number.`);
  return value;
}

export function oneOf<T extends string>(given: Given, name: ValueOption, allowed: readonly T[]): T | null {
  const text = given[name];
  if (text === undefined) return null;
  const found = allowed.find((item) => item === text);
  if (found === undefined) refuse(name, `"${text}" is none of ${allowed.join(', ')}.`);
  return found;
}

/** Numbers set apart by commas. */
export function numbersOf(name: ValueOption | 'steer', text: string): number[] {
  return text.split(',').map((part) => numberOf(name, part));
}

export function decimals(given: Given, name: ValueOption): number[] | null {
  const text = given[name];
  return text === undefined ? null : numbersOf(name, text);
}

/** WxH. */
export function size(given: Given, name: ValueOption): { width: number; height: number } | null {
  const text = given[name];
  if (text === undefined) return null;
  const [, width, height] = /^(\d+)x(\d+)$/i.exec(text) ?? refuse(name, `"${text}" is no size like 1024x1024.`);
  return { width: Number(width), height: Number(height) };
}

/** TOP,LEFT. */
export function corner(given: Given, name: ValueOption): { top: number; left: number } | null {
  const text = given[name];
  if (text === undefined) return null;
  const [, top, left] = /^([+-]?\d+),([+-]?\d+)$/.exec(text) ?? refuse(name, `"${text}" is no corner like 0,0 (top, left).`);
  return { top: Number(top), left: Number(left) };
}

/** @throws ArgumentError when both are given. */
export function requireNotBoth(given: Given, name: ValueOption, other: ValueOption): void {
  if (given[name] !== undefined && given[other] !== undefined) refuse(name, `--${name} and --${other} exclude each other.`);
}
