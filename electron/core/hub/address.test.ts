import { expect, it } from 'vitest';
import { checkHubAddress, parseHubAddress } from './address.ts';
import { knownRepos } from './known.ts';

const parse = (text: string, hub = 'https://huggingface.co'): unknown => parseHubAddress(text, hub);

it.each([
  ['owner/name', { repo: 'owner/name', revision: 'main', file: null }],
  ['  stabilityai/stable-diffusion-xl-base-1.0 ', { repo: 'stabilityai/stable-diffusion-xl-base-1.0', revision: 'main', file: null }],
  ['owner/name@onnx', { repo: 'owner/name', revision: 'onnx', file: null }],
  ['owner/name@refs/pr/3', { repo: 'owner/name', revision: 'refs/pr/3', file: null }],
  ['https://huggingface.co/owner/name', { repo: 'owner/name', revision: 'main', file: null }],
  ['huggingface.co/owner/name/', { repo: 'owner/name', revision: 'main', file: null }],
  ['https://hf.co/owner/name?library=diffusers', { repo: 'owner/name', revision: 'main', file: null }],
  ['https://huggingface.co/owner/name/tree/fp16', { repo: 'owner/name', revision: 'fp16', file: null }],
  ['https://huggingface.co/owner/name/tree/main/unet', { repo: 'owner/name', revision: 'main', file: null }],
  ['https://huggingface.co/owner/name/tree/refs%2Fpr%2F1', { repo: 'owner/name', revision: 'refs/pr/1', file: null }],
  ['https://huggingface.co/owner/name/blob/main/sub/a%20b.safetensors', { repo: 'owner/name', revision: 'main', file: 'sub/a b.safetensors' }],
  ['https://huggingface.co/owner/name/resolve/abc123/x.safetensors?download=true', { repo: 'owner/name', revision: 'abc123', file: 'x.safetensors' }],
  ['https://huggingface.co/owner/name/discussions/4', { repo: 'owner/name', revision: 'main', file: null }],
])('understands %s', (text, address) => {
  expect(parse(text)).toEqual(address);
});

it.each(['', 'name', '/home/me/models', './models/sd', '~/models', 'C:\\models\\sd', 'C:/models', 'a/b/c', 'owner/na me', '../etc', 'owner/..', '-a/b', 'a--b/c', 'owner/name@', 'owner/name@../x', 'https://example.com/owner/name', 'file:///etc/passwd', 'https://huggingface.co/', 'https://huggingface.co/owner', 'https://huggingface.co/owner/name/tree/%E0%A4%A'])('takes %s for no address of the hub', (text) => {
  expect(parse(text)).toBeNull();
});

it('says what is no model', () => {
  for (const kind of ['datasets', 'spaces']) expect(() => parse(`https://huggingface.co/${kind}/owner/name`)).toThrow(expect.objectContaining({ code: 'INVALID_INPUT', field: 'at' }));
});

it('understands a mirror under a path', () => {
  expect(parse('https://mirror.example/hub/owner/name/tree/v1', 'https://mirror.example/hub')).toEqual({ repo: 'owner/name', revision: 'v1', file: null });
});

it('checks an address that comes in its parts', () => {
  expect(checkHubAddress('owner/name', 'main')).toEqual({ repo: 'owner/name', revision: 'main', file: null });
  for (const [repo, revision] of [['a/b/c', 'main'], ['a/b', '../x'], ['a', 'main'], ['a/b', '']] as const) expect(() => checkHubAddress(repo, revision)).toThrow(expect.objectContaining({ code: 'INVALID_INPUT' }));
});

it('offers known repositories whose names are addresses', () => {
  for (const { repo } of knownRepos) expect(parse(repo)).toMatchObject({ repo });
  expect(new Set(knownRepos.map(({ repo }) => repo)).size).toBe(knownRepos.length);
});
