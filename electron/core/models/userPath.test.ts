import { describe, expect, it } from 'vitest';
import { isPathLike, readUserPath } from './userPath.ts';

const linux = { home: '/home/ann', platform: 'linux' } as const;
const windows = { home: 'C:\\Users\\ann', platform: 'win32' } as const;

describe('a path that a person gives', () => {
  it.each([
    ['/models/sd15', '/models/sd15'],
    ['  /models/sd15/ \n', '/models/sd15'],
    ['/models/../models/./sd 15', '/models/sd 15'],
    ['"/models/my model.safetensors"', '/models/my model.safetensors'],
    ["'/models/my model.safetensors'", '/models/my model.safetensors'],
    ['~', '/home/ann'],
    ['~/models/墨水', '/home/ann/models/墨水'],
    ['~/../bob', '/home/bob'],
    ['file:///models/my%20model', '/models/my model'],
    ['FILE:///models/a', '/models/a'],
    ['/', '/'],
  ])('%j is %s', (text, path) => {
    expect(isPathLike(text)).toBe(true);
    expect(readUserPath(text, linux)).toBe(path);
  });

  it.each([
    ['C:\\models\\sd15\\', 'C:\\models\\sd15'],
    ['"D:\\my models\\a.safetensors"', 'D:\\my models\\a.safetensors'],
    ['c:/models/sd15', 'c:\\models\\sd15'],
    ['\\\\server\\share\\models', '\\\\server\\share\\models'],
    ['~\\models', 'C:\\Users\\ann\\models'],
    ['file:///C:/models/a%20b', 'C:\\models\\a b'],
  ])('on Windows %j is %s', (text, path) => {
    expect(isPathLike(text)).toBe(true);
    expect(readUserPath(text, windows)).toBe(path);
  });

  it.each([
    ['', 'The path is empty.'],
    ['""', 'The path is empty.'],
    ['./models', './models is only a part of a path.'],
    ['../models', '../models is only a part of a path.'],
    ['~bob/models', "~bob/models begins with another person's home folder."],
    ['C:\\models', 'C:\\models is a path of Windows, and this is not.'],
    ['c:/models', 'c:/models is a path of Windows, and this is not.'],
    ['\\\\server\\share', '\\\\server\\share is a path of Windows, and this is not.'],
    ['models\\sd15', 'models\\sd15 is only a part of a path.'],
    ['/models/a\u0000b', 'The path has a sign in it that no name can have.'],
    ['/models/a\nb', 'The path has a sign in it that no name can have.'],
    ['file://server/share/a', 'file://server/share/a is no address of a file on this machine.'],
    ['file:///models/a%00b%2F', 'file:///models/a%00b%2F is no address of a file on this machine.'],
  ])('refuses %j', (text, message) => {
    expect(() => readUserPath(text, linux)).toThrow(expect.objectContaining({ code: 'INVALID_INPUT', field: 'at', message }) as Error);
  });

  it.each(['owner/name', 'stabilityai/sdxl-turbo@main', 'hf.co/owner/name', 'https://huggingface.co/owner/name', 'owner/name@refs/pr/1'])(
    'takes %s for a place on the hub',
    (text) => expect(isPathLike(text)).toBe(false),
  );
});
