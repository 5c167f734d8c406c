import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { layoutFolder, layoutVariants } from '../../../e2e/layouts/variants.ts';
import { tinyModelFolder } from '../../../e2e/parity/tiny/folder.ts';
import { doctorCodes } from '../../../shared/doctorCodes.ts';
import { StopbathError } from '../../../shared/errors.ts';
import { openSession } from '../ort/session.ts';
import { openPipeline } from '../pipelines/registry.ts';
import type { ModelSession } from '../tensor/modelSession.ts';
import { mapTensor, zeros } from '../tensor/tensor.ts';
import type { ExamineDeps } from './case.ts';
import { examine, type Examination } from './examine.ts';

const onCpu: ExamineDeps = { provider: 'cpu', openSession: (file) => openSession(file, 'cpu'), openOnCpu: null, cacheFolder: null };
const codesOf = ({ findings }: Examination, severity?: string): string[] =>
  findings.filter((finding) => severity === undefined || finding.severity === severity).map(({ code }) => code);

/** Half precision throughout: of the layouts the only one whose decoder computes in it. */
async function halfFolder(): Promise<string> {
  const half = layoutVariants.find(({ name }) => name === 'half precision throughout');
  if (half === undefined) throw new Error('no such layout');
  return layoutFolder(half);
}

/** A device that gives infinity for every pixel. */
function overflowing(session: ModelSession): ModelSession {
  return {
    ...session,
    inputs: session.inputs,
    outputs: session.outputs,
    release: () => session.release(),
    run: async (feeds) => Object.fromEntries(Object.entries(await session.run(feeds)).map(([name, value]) => [name, mapTensor(value, () => Infinity)])),
  };
}

it('a decoder that overflows in half precision on its device is decoded on the CPU, by the doctor and by a run', async () => {
  const folder = await halfFolder();
  const open = async (file: string): Promise<ModelSession> => {
    const session = await openSession(file, 'cpu');
    return file.includes('vae_decoder') ? overflowing(session) : session;
  };
  const report = await examine(folder, { ...onCpu, provider: 'webgpu', openSession: open, openOnCpu: onCpu.openSession });
  expect(report).toMatchObject({ provider: 'webgpu', usable: true });
  const finding = report.findings.find(({ code }) => code === 'VAE_OVERFLOW');
  expect(finding).toMatchObject({ severity: 'warning', part: 'vae_decoder', remedy: expect.stringContaining('fp32') as unknown });
  expect(finding?.message).toContain('vae_decoder/model.onnx overflows in half precision on webgpu');

  const pipeline = await openPipeline({ folder, openSession: open, openOnCpu: onCpu.openSession, onPart: () => undefined });
  const [image] = await pipeline.decode(zeros([1, 4, 8, 8]));
  expect(image).toMatchObject({ width: 64, height: 64 });
  await pipeline.release();

  const nowhere = await examine(folder, { ...onCpu, openSession: open });
  expect(nowhere.usable).toBe(false);
  expect(codesOf(nowhere, 'error')).toEqual(['VAE_OVERFLOW']);
  await rm(folder, { recursive: true });
});

it('strong colours alone that overflow are a warning', async () => {
  const folder = await halfFolder();
  const report = await examine(folder, {
    ...onCpu,
    openSession: async (file) => {
      const session = await openSession(file, 'cpu');
      if (!file.includes('vae_decoder')) return session;
      const broken = overflowing(session);
      // Clean latents of a picture stay below 5 times 1 / 0.18215.
      return { ...broken, run: (feeds) => (Object.values(feeds)[0]?.data.some((value) => Math.abs(value) > 36) === true ? broken.run(feeds) : session.run(feeds)) };
    },
  });
  expect(codesOf(report, 'warning')).toEqual(['VAE_HALF_RISK']);
  expect(report.usable).toBe(true);
  await rm(folder, { recursive: true });
});

it.each<[string, unknown, string]>([
  ['an error of ours', new StopbathError({ code: 'OUT_OF_MEMORY', message: 'There is not enough memory.', nextStep: 'Close other programs.' }), 'OUT_OF_MEMORY'],
  ['an error of nobody', new TypeError('session is not a session'), 'LOAD_FAILED'],
  ['no error at all', 'a text', 'LOAD_FAILED'],
])('whatever a device throws is a finding: %s', async (_, thrown, code) => {
  const folder = await tinyModelFolder('sd');
  const released: string[] = [];
  const report = await examine(folder, {
    ...onCpu,
    openSession: async (file) => {
      if (file.includes('unet')) throw thrown;
      const session = await openSession(file, 'cpu');
      return { ...session, inputs: session.inputs, outputs: session.outputs, run: (feeds) => session.run(feeds), release: () => session.release().then(() => void released.push(file)) };
    },
  });
  expect(report.usable).toBe(false);
  expect(report.findings.filter(({ severity }) => severity === 'error')).toMatchObject([{ code, part: 'unet', message: expect.stringContaining('unet') as unknown }]);
  // The other parts were examined all the same, and nothing stays loaded.
  expect(released.map((file) => file.split('/').at(-2))).toEqual(['text_encoder', 'vae_encoder', 'vae_decoder']);
  await rm(folder, { recursive: true });
});

it('a part that its device refuses is examined on the CPU, where a run puts it', async () => {
  const folder = await tinyModelFolder('sd');
  const refused = new StopbathError({ code: 'PROVIDER_UNAVAILABLE', message: 'The device is lost.' });
  const open = (file: string) => (file.includes('vae_encoder') || file.includes('text_encoder') ? Promise.reject(refused) : openSession(file, 'cpu'));
  const report = await examine(folder, { ...onCpu, provider: 'webgpu', openSession: open, openOnCpu: onCpu.openSession });
  expect(report).toMatchObject({ usable: true, provider: 'webgpu' });
  expect(report.findings.filter(({ severity }) => severity === 'warning')).toMatchObject([
    { code: 'DEVICE_FAILED', part: 'text_encoder', message: 'text_encoder does not run on webgpu, but on the CPU: The device is lost.' },
    { code: 'DEVICE_FAILED', part: 'vae_encoder' },
  ]);
  await rm(folder, { recursive: true });
});

it('never more than one large part is loaded at a time', async () => {
  const folder = await tinyModelFolder('sdxl');
  const loaded = new Set<string>();
  const seen: string[][] = [];
  await examine(folder, {
    ...onCpu,
    openSession: async (file) => {
      const part = file.split('/').at(-2) ?? '';
      loaded.add(part);
      seen.push([...loaded]);
      const session = await openSession(file, 'cpu');
      return { ...session, inputs: session.inputs, outputs: session.outputs, run: (feeds) => session.run(feeds), release: () => session.release().then(() => void loaded.delete(part)) };
    },
  });
  expect(seen).toEqual([['text_encoder'], ['text_encoder', 'text_encoder_2'], ['unet'], ['vae_encoder'], ['vae_decoder']]);
  expect(loaded.size).toBe(0);
  await rm(folder, { recursive: true });
});

it('a model without its encoder draws, and cannot start from a picture', async () => {
  const folder = await tinyModelFolder('sd');
  await rm(join(folder, 'vae_encoder'), { recursive: true });
  const report = await examine(folder, onCpu);
  expect(report.usable).toBe(true);
  expect(codesOf(report, 'warning')).toEqual(['VAE_ENCODER_MISSING']);
  await rm(folder, { recursive: true });
});

it('the guidance embedding and the last layer of text encoders are told', async () => {
  const folder = await tinyModelFolder('sd-lcm');
  expect(codesOf(await examine(folder, onCpu), 'note')).toEqual(['CLIP_SKIP_MISSING', 'GUIDANCE_EMBEDDED']);
  await rm(folder, { recursive: true });
});

it('every finding of the source is in the list the interface translates, and all of the list is found', async () => {
  const rooms = ['doctor', 'pipelines'].map((room) => join(import.meta.dirname, '..', room));
  const sources: string[] = [];
  for (const room of rooms) {
    for (const name of await readdir(room)) if (name.endsWith('.ts') && !name.endsWith('.test.ts')) sources.push(await readFile(join(room, name), 'utf8'));
  }
  const source = sources.join('\n');
  expect(doctorCodes.filter((code) => !source.includes(`'${code}'`))).toEqual([]);
});

it('a fitted preview is kept for the decoder, and read when the model is opened', async () => {
  const folder = await tinyModelFolder('sd');
  const cacheFolder = await mkdtemp(join(tmpdir(), 'stopbath-cache-'));
  const report = await examine(folder, { ...onCpu, cacheFolder });
  expect(codesOf(report, 'fine')).toContain('PREVIEW_FITTED');
  const open = (cache: string | null) => openPipeline({ folder, cacheFolder: cache, openSession: onCpu.openSession, onPart: () => undefined });
  const [fitted, plain] = [await open(cacheFolder), await open(null)];
  expect(fitted.latentSpace.preview).not.toEqual(plain.latentSpace.preview);
  expect(fitted.latentSpace.preview.factors).toHaveLength(4);
  await Promise.all([fitted.release(), plain.release()]);

  // Another decoder is not this one, and a damaged note is none.
  const [name = ''] = await readdir(join(cacheFolder, 'previews'));
  expect(name).toMatch(/^[0-9a-f]{64}\.json$/);
  await writeFile(join(cacheFolder, 'previews', name), '{"version":1,"factors":[[1');
  const again = await open(cacheFolder);
  expect(again.latentSpace.preview).toEqual(plain.latentSpace.preview);
  await again.release();
  await rm(folder, { recursive: true });
  await rm(cacheFolder, { recursive: true });
});

it('a model with a preview of its own keeps it', async () => {
  const report = await examine(join(import.meta.dirname, '../../../assets/starter'), onCpu);
  expect(report.usable).toBe(true);
  expect(codesOf(report).filter((code) => code.startsWith('PREVIEW'))).toEqual([]);
  expect(codesOf(report, 'fine')).toEqual(['PART_FINE', 'PART_FINE', 'PART_FINE', 'PART_FINE', 'MODEL_FINE']);
});

it('a broken small decoder is a warning, and no more', async () => {
  const folder = await tinyModelFolder('sd');
  await mkdir(join(folder, 'taesd'));
  await writeFile(join(folder, 'taesd/decoder.onnx'), await readFile(join(folder, 'unet/model.onnx')));
  const report = await examine(folder, onCpu);
  expect(report.usable).toBe(true);
  expect(codesOf(report, 'warning')).toEqual(['TINY_DECODER_BAD']);
  await rm(folder, { recursive: true });
});
