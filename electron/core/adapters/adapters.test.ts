import { mkdir, rm, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { StopbathError } from '../../../shared/errors.ts';
import type { GenerationRequest } from '../../../shared/generation.ts';
import type { AdapterFile } from '../../../shared/models.ts';
import { closeAll, request, temporaryFolder, until } from '../../hosts/testing/testApp.ts';
import { writeFileAtomic } from '../files.ts';
import { createAdapters, type Adapters } from './adapters.ts';

let data = '';
let folders: string[] = [];
let asked: string[] = [];
let changes: AdapterFile[][] = [];
const taking = { name: 'Ink model', takesLoras: true };

beforeEach(async () => {
  data = await temporaryFolder();
  folders = [join(data, 'loras'), join(data, 'embeddings')];
  [asked, changes] = [[], []];
});
const opened: Adapters[] = [];
afterEach(async () => {
  await Promise.all(opened.splice(0).map((adapters) => adapters.close()));
  await closeAll();
});

function open(readAdapter?: (file: string) => Promise<never>): Adapters {
  const adapters = createAdapters({
    folders: () => folders,
    file: join(data, 'adapters.json'),
    write: writeFileAtomic,
    engine: {
      readAdapter: (file) => {
        asked.push(file);
        if (readAdapter !== undefined) return readAdapter(file);
        const kind = file.includes('embeddings') ? ('embedding' as const) : ('lora' as const);
        return Promise.resolve({ kind, family: 'sdxl', rank: 16, triggers: ['ink style'], problem: null });
      },
    },
    onChange: (files) => changes.push(files),
  });
  opened.push(adapters);
  return adapters;
}

async function put(name: string, bytes = 700_000): Promise<string> {
  const path = join(data, name);
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, Buffer.alloc(bytes));
  return path;
}

const asking = (change: Partial<GenerationRequest>): GenerationRequest => ({ ...request, ...change });

describe('the list of adapters', () => {
  it('has what is in the folders and below, and what the engine read of it', async () => {
    const ink = await put('loras/styles/ink v1.safetensors');
    const bad = await put('embeddings/bad-hands.safetensors', 3_000);
    await put('loras/notes.txt');
    const adapters = open();
    const first = await adapters.list();
    expect(first.map(({ name, kind, path, rank }) => [name, kind, path, rank])).toEqual([
      ['ink v1', 'lora', ink, null],
      ['bad-hands', 'embedding', bad, null],
    ]);
    await until(() => changes[0] ?? null);
    expect(changes).toMatchObject([[{ name: 'ink v1', kind: 'lora', family: 'sdxl', rank: 16, triggers: ['ink style'], bytes: 700_000, problem: null }, { kind: 'embedding' }]]);
    // Nothing is read twice, over a restart neither; what has changed is.
    await adapters.list();
    await adapters.close();
    await open().list();
    await put('loras/styles/ink v1.safetensors', 900_000);
    await open().list();
    await until(() => (asked.length >= 3 ? true : null));
    expect(asked).toEqual([ink, bad, ink]);
  });

  it('tells of two with one name, pickles, and files that cannot be read', async () => {
    const first = await put('loras/a/ink.safetensors');
    const second = await put('loras/b/ink.safetensors');
    await put('embeddings/old.pt', 3_000);
    const adapters = open(() => Promise.reject(new StopbathError({ code: 'MODEL_BAD', message: 'The file is cut off.' })));
    await adapters.list();
    const files = await until(() => changes[0] ?? null);
    expect(files.map(({ problem }) => problem?.code)).toEqual(['MODEL_BAD', 'MODEL_BAD', 'UNSAFE_FILE']);
    expect(asked).toEqual([first, second]);
    const fine = open();
    await rm(join(data, 'adapters.json'));
    const [, told] = await fine.list();
    expect(told?.problem).toEqual({ code: 'INVALID_INPUT', message: `${first} has the same name and is the one that prompts call.`, nextStep: `Rename ${second} to use it.` });
  });

  it('asks again later when the engine could not be asked', async () => {
    await put('loras/ink.safetensors');
    let isUp = false;
    const adapters = open(() => (isUp ? Promise.reject(new StopbathError({ code: 'MODEL_BAD', message: 'x' })) : Promise.reject(new StopbathError({ code: 'ENGINE_CRASH', message: 'y' }))));
    await adapters.list();
    await until(() => (asked.length === 1 ? true : null));
    expect((await adapters.list())[0]?.problem).toBeNull();
    isUp = true;
    await until(async () => ((await adapters.list())[0]?.problem?.code === 'MODEL_BAD' ? true : null));
  });

  it('goes once through folders that links lead back to, and passes over what is not there', async () => {
    await put('loras/ink.safetensors');
    await symlink(join(data, 'loras'), join(data, 'loras', 'circle'));
    folders = [join(data, 'none'), ...folders, join(data, 'loras')];
    expect((await open().list()).map(({ name }) => name)).toEqual(['ink']);
  });
});

describe('the adapters of a request', () => {
  it('come from its list, the tags of all its prompts, and its steering; each once', async () => {
    const paths = Object.fromEntries(await Promise.all(['a', 'b', 'c', 'd', 'e', 'f'].map(async (name) => [name, await put(`loras/${name}.safetensors`)] as const)));
    const { loras } = await open().forRequest(
      asking({
        loras: [{ name: 'a', strength: 1, textStrength: null, curve: { kind: 'constant' } }],
        prompt: 'a [<lora:b:0.4>:x:3] house <lora:a:2>',
        negativePrompt: 'bad <lora:c>',
        morePrompts: ['<lora:d:1:0>'],
        steering: [
          { afterStep: 1, steering: { prompt: 'now <lora:e:0.5>' } },
          { afterStep: 2, steering: { loras: [{ name: 'f', strength: 0.2 }] } },
        ],
      }),
      taking,
    );
    expect(loras).toEqual(['a', 'b', 'c', 'd', 'e', 'f'].map((name) => ({ name, file: paths[name] })));
  });

  it('are none where a prompt is plain text', async () => {
    expect(await open().forRequest(asking({ prompt: '<lora:none:1>', promptSyntax: 'plain' }), taking)).toEqual({ loras: [], embeddings: [] });
  });

  it.each([
    [{ prompt: '<lora:inc v1:1>' }, 'prompt', 'Did you mean ink v1?'],
    [{ negativePrompt: '<lora:oil:1>' }, 'negativePrompt', 'take it out of the prompt'],
    [{ loras: [{ name: 'oil', strength: 1, textStrength: null, curve: { kind: 'constant' as const } }] }, 'loras', 'take it out of the list'],
    [{ prompt: 'a embedding:bad-hand', promptSyntax: 'comfy' as const }, 'prompt', 'Did you mean bad-hands?'],
  ])('%j is refused', async (change, field, nextStep) => {
    await put('loras/ink v1.safetensors');
    await put('embeddings/bad-hands.safetensors', 3_000);
    await expect(open().forRequest(asking(change), taking)).rejects.toMatchObject({
      ...{ code: 'INVALID_INPUT', field, message: expect.stringContaining(`${field}: there is no `) as string, nextStep: expect.stringContaining(nextStep) as string },
    });
  });

  it('are refused for a model that takes none', async () => {
    await put('loras/ink.safetensors');
    await expect(open().forRequest(asking({ prompt: '<lora:ink:1>' }), { name: 'Starter', takesLoras: false })).rejects.toMatchObject({
      ...{ code: 'INVALID_INPUT', field: 'prompt', message: 'prompt: Starter takes no LoRAs, and "ink" is one.' },
    });
  });

  it('embeddings are words of a prompt, whatever their capitals; of two files the first', async () => {
    const hands = await put('embeddings/a/Bad-Hands-5.safetensors', 3_000);
    await put('embeddings/b/Bad-Hands-5.safetensors', 3_000);
    const art = await put('embeddings/art.safetensors', 3_000);
    const named = async (prompt: string, change: Partial<GenerationRequest> = {}) => (await open().forRequest(asking({ prompt, ...change }), taking)).embeddings;
    expect(await named('a house, (bad-hands-5:1.2)')).toEqual([{ name: 'Bad-Hands-5', file: hands }]);
    expect(await named('an artist, bad-hands-50')).toEqual([]);
    expect(await named('a', { negativePrompt: 'art' })).toEqual([{ name: 'art', file: art }]);
    expect(await named('(embedding:art:1.1), embedding:Bad-Hands-5.pt', { promptSyntax: 'comfy' })).toEqual(expect.arrayContaining([{ name: 'art', file: art }, { name: 'Bad-Hands-5', file: hands }]));
  });
});
