import { cp, mkdir, mkdtemp, readdir, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { clipTokenizerJson } from '../../electron/engine/text/clipTokenizer.ts';
import { tinyModelFolder, type TinyVariant } from '../parity/tiny/folder.ts';
import {
  addOutput,
  externalise,
  externalWeight,
  mapWeights,
  type OnnxDraft,
  parseOnnx,
  renameInside,
  renameValue,
  replaceInput,
  replaceOutput,
  reverseOutputs,
  writeOnnx,
} from './onnxEdit.ts';

/** A way models are laid out in the wild, made from a tiny standard one. */
export interface LayoutVariant {
  readonly name: string;
  readonly from: TinyVariant;
  /** @returns the folder to give, where it is not the one it was given */
  readonly apply: (folder: string) => Promise<string | void>;
  /** Whose rounding the picture may show, in 8-bit steps; left out: none. */
  readonly tolerance?: number;
  /** Findings the doctor must report. */
  readonly findings: readonly string[];
}

export async function editPart(folder: string, part: string, change: (draft: OnnxDraft) => void): Promise<void> {
  const file = path.join(folder, part, 'model.onnx');
  const draft = parseOnnx(await readFile(file));
  change(draft);
  await writeFile(file, writeOnnx(draft));
}

export async function editJson(file: string, values: Readonly<Record<string, unknown>>): Promise<void> {
  const old = JSON.parse(await readFile(file, 'utf8')) as object;
  await writeFile(file, JSON.stringify({ ...old, ...values }));
}

const remove = (folder: string, ...names: readonly string[]): Promise<unknown> =>
  Promise.all(names.map((name) => rm(path.join(folder, name), { recursive: true, force: true })));

const models = ['text_encoder', 'unet', 'vae_decoder', 'vae_encoder'] as const;
const configs = models.map((part) => `${part}/config.json`);

/** optimum before 2024-11: whole timesteps of one side. */
function wholeTimestep(draft: OnnxDraft): void {
  renameInside(draft, 'timestep', 'inner_timestep');
  replaceInput(draft, 'timestep', { name: 'timestep', type: 'int64', dims: [1] }, [
    { op: 'Cast', inputs: ['timestep'], outputs: ['floating'], attributes: { to: 1 } },
    { op: 'Squeeze', inputs: ['floating'], outputs: ['inner_timestep'] },
  ]);
}

/** diffusers' old script: a timestep for every row. */
function timestepPerRow(draft: OnnxDraft): void {
  renameInside(draft, 'timestep', 'inner_timestep');
  replaceInput(draft, 'timestep', { name: 'timestep', type: 'float32', dims: ['batch'] }, [
    { op: 'ReduceMax', inputs: ['timestep'], outputs: ['inner_timestep'], attributes: { keepdims: 0 } },
  ]);
}

function shortIds(draft: OnnxDraft): void {
  renameInside(draft, 'input_ids', 'inner_ids');
  replaceInput(draft, 'input_ids', { name: 'input_ids', type: 'int32', dims: ['batch', 77] }, [
    { op: 'Cast', inputs: ['input_ids'], outputs: ['inner_ids'], attributes: { to: 7 } },
  ]);
}

/** Half-precision inputs and outputs around float32 inside, as `keep_io_types` the other way round leaves them. */
function halfEnds(draft: OnnxDraft): void {
  for (const [name, dims] of [
    ['sample', ['batch', 4, 'height', 'width']],
    ['timestep', []],
    ['encoder_hidden_states', ['batch', 'tokens', 16]],
  ] as const) {
    renameInside(draft, name, `inner_${name}`);
    replaceInput(draft, name, { name, type: 'float16', dims }, [
      { op: 'Cast', inputs: [name], outputs: [`inner_${name}`], attributes: { to: 1 } },
    ]);
  }
  renameInside(draft, 'out_sample', 'inner_out');
  replaceOutput(draft, 'out_sample', { name: 'out_sample', type: 'float16', dims: ['batch', 4, 'height', 'width'] }, [
    { op: 'Cast', inputs: ['inner_out'], outputs: ['out_sample'], attributes: { to: 10 } },
  ]);
}

/** Exports before 2024-10 sample in the graph; this one takes the mean. */
function sampledLatents(draft: OnnxDraft): void {
  replaceOutput(
    draft,
    'latent_parameters',
    { name: 'latent_sample', type: 'float32', dims: ['batch', 4, 'height', 'width'] },
    [{ op: 'Slice', inputs: ['latent_parameters', 'begin', 'end', 'axis'], outputs: ['latent_sample'] }],
    [
      { name: 'begin', dims: [1], data: BigInt64Array.of(0n) },
      { name: 'end', dims: [1], data: BigInt64Array.of(4n) },
      { name: 'axis', dims: [1], data: BigInt64Array.of(1n) },
    ],
  );
}

async function moveWeights(folder: string, part: string, location: string): Promise<void> {
  let data: Buffer = Buffer.alloc(0);
  await editPart(folder, part, (draft) => {
    data = externalise(draft, location);
  });
  await writeFile(path.join(folder, part, location), data);
}

/** A file a weight: `onnx.save(..., all_tensors_to_one_file=False)`. */
async function scatterWeights(folder: string, part: string): Promise<void> {
  const files: [string, Buffer][] = [];
  await editPart(folder, part, (draft) => {
    mapWeights(draft, ({ name, raw, fields }) => {
      if (raw.length < 1024) return fields;
      files.push([`onnx__MatMul_${name}`, raw]);
      return externalWeight(fields, { location: `onnx__MatMul_${name}` });
    });
  });
  for (const [name, raw] of files) await writeFile(path.join(folder, part, name), raw);
}

async function useHalf(folder: string, parts: readonly string[]): Promise<void> {
  for (const part of parts) {
    await cp(path.join(import.meta.dirname, 'half', part, 'model.onnx'), path.join(folder, part, 'model.onnx'));
  }
}

async function wholeTokenizer(folder: string): Promise<void> {
  const place = path.join(folder, 'tokenizer');
  const vocabulary = JSON.parse(await readFile(path.join(place, 'vocab.json'), 'utf8')) as Record<string, unknown>;
  const merges = await readFile(path.join(place, 'merges.txt'), 'utf8');
  await writeFile(path.join(place, 'tokenizer.json'), JSON.stringify(clipTokenizerJson(vocabulary, merges, '<|startoftext|>', '<|endoftext|>')));
  await remove(place, 'vocab.json', 'merges.txt');
}

/** Everything of a folder moved into folders inside it. */
async function nest(folder: string, ...way: readonly string[]): Promise<void> {
  const target = path.join(folder, ...way);
  const names = await readdir(folder);
  await mkdir(target, { recursive: true });
  for (const name of names) await rename(path.join(folder, name), path.join(target, name));
}

/** Hugging Face's cache: a snapshot of links to files named by their hashes. */
async function hubCache(folder: string): Promise<string> {
  const cache = path.join(await mkdtemp(path.join(tmpdir(), 'stopbath-cache-')), 'models--someone--tiny');
  const snapshot = path.join(cache, 'snapshots', 'abc123');
  await mkdir(path.join(cache, 'blobs'), { recursive: true });
  let number = 0;
  const link = async (from: string, to: string): Promise<void> => {
    await mkdir(to, { recursive: true });
    for (const entry of await readdir(from, { withFileTypes: true })) {
      const [source, target] = [path.join(from, entry.name), path.join(to, entry.name)];
      if (entry.isDirectory()) await link(source, target);
      else {
        const blob = path.join(cache, 'blobs', `blob${number++}`);
        await cp(source, blob);
        await symlink(path.relative(to, blob), target);
      }
    }
  };
  await link(folder, snapshot);
  return snapshot;
}

export const layoutVariants: readonly LayoutVariant[] = [
  {
    name: 'optimum before 2024-11: int64 timestep of one side, int32 ids',
    from: 'sd',
    findings: ['TIMESTEP_WHOLE', 'OLD_EXPORT'],
    apply: async (folder) => {
      await editPart(folder, 'unet', wholeTimestep);
      await editPart(folder, 'text_encoder', shortIds);
    },
  },
  {
    name: "diffusers' script: weights.pb, a timestep a row, no configs, safety checker, Onnx class",
    from: 'sd',
    findings: ['OLD_EXPORT', 'SCALING_ASSUMED', 'SAFETY_CHECKER_UNUSED'],
    apply: async (folder) => {
      await editPart(folder, 'unet', timestepPerRow);
      await editPart(folder, 'text_encoder', shortIds);
      await editPart(folder, 'vae_encoder', sampledLatents);
      await moveWeights(folder, 'unet', 'weights.pb');
      // The tiny UNet has two levels where every published one has four: its config stays.
      await remove(folder, ...configs.filter((name) => !name.startsWith('unet')));
      await mkdir(path.join(folder, 'safety_checker'));
      await cp(path.join(folder, 'vae_decoder/model.onnx'), path.join(folder, 'safety_checker/model.onnx'));
      await editJson(path.join(folder, 'model_index.json'), { _class_name: 'OnnxStableDiffusionPipeline' });
    },
  },
  { name: 'weights in model.onnx_data', from: 'sd', findings: [], apply: (folder) => moveWeights(folder, 'unet', 'model.onnx_data') },
  {
    name: 'weights in model.onnx.data, of the decoder too',
    from: 'sd',
    findings: [],
    apply: async (folder) => {
      await moveWeights(folder, 'unet', 'model.onnx.data');
      await moveWeights(folder, 'vae_decoder', 'model.onnx.data');
    },
  },
  { name: 'a file a weight', from: 'sd', findings: [], apply: (folder) => scatterWeights(folder, 'unet') },
  {
    name: 'half precision throughout',
    from: 'sd',
    tolerance: 6,
    findings: ['HALF_PRECISION', 'TIMESTEP_HALF'],
    apply: (folder) => useHalf(folder, models),
  },
  {
    name: 'a half-precision UNet beside float32 parts',
    from: 'sd',
    tolerance: 6,
    findings: ['HALF_PRECISION'],
    apply: (folder) => useHalf(folder, ['unet']),
  },
  {
    name: 'half-precision ends around a float32 UNet',
    from: 'sd',
    tolerance: 6,
    findings: ['TIMESTEP_HALF'],
    apply: (folder) => editPart(folder, 'unet', halfEnds),
  },
  {
    name: 'no model_index.json, no scheduler',
    from: 'sd',
    findings: ['CLASS_ASSUMED', 'SCHEDULER_ASSUMED'],
    apply: async (folder) => void (await remove(folder, 'model_index.json', 'scheduler')),
  },
  {
    name: 'SDXL without model_index.json',
    from: 'sdxl',
    findings: ['CLASS_ASSUMED'],
    apply: async (folder) => void (await remove(folder, 'model_index.json')),
  },
  {
    name: 'a class of any kind',
    from: 'sdxl',
    findings: ['CLASS_ASSUMED'],
    apply: (folder) => editJson(path.join(folder, 'model_index.json'), { _class_name: 'ORTDiffusionPipeline' }),
  },
  {
    name: 'Olive: deep in a folder, model_optimized.onnx',
    from: 'sd',
    findings: ['FOLDER_INSIDE', 'FILE_NAME'],
    apply: async (folder) => {
      await rename(path.join(folder, 'unet/model.onnx'), path.join(folder, 'unet/model_optimized.onnx'));
      await nest(folder, 'models', 'optimized', 'someone');
    },
  },
  {
    name: 'parts in the folder onnx of a repository',
    from: 'sd',
    findings: ['FOLDER_INSIDE'],
    apply: (folder) => nest(folder, 'onnx'),
  },
  {
    name: 'all parts in one folder',
    from: 'sd',
    findings: ['FILE_NAME', 'SCALING_ASSUMED'],
    apply: async (folder) => {
      for (const part of models) await rename(path.join(folder, part, 'model.onnx'), path.join(folder, `${part}.onnx`));
      await remove(folder, 'text_encoder', 'vae_decoder', 'vae_encoder');
    },
  },
  {
    name: 'fp16 in the file names',
    from: 'sd',
    findings: ['FILE_NAME'],
    apply: async (folder) => {
      for (const part of models) await rename(path.join(folder, part, 'model.onnx'), path.join(folder, part, 'model_fp16.onnx'));
    },
  },
  { name: 'tokenizer.json alone', from: 'sd', findings: [], apply: wholeTokenizer },
  {
    name: 'SDXL with one tokenizer folder for both encoders',
    from: 'sdxl',
    findings: ['TOKENIZER_ASSUMED'],
    apply: async (folder) => void (await remove(folder, 'tokenizer_2')),
  },
  {
    name: 'SDXL with hidden_states_3 for hidden_states.3',
    from: 'sdxl',
    findings: [],
    apply: async (folder) => {
      for (const part of ['text_encoder', 'text_encoder_2']) {
        await editPart(folder, part, (draft) => {
          for (let index = 0; index < 4; index++) renameValue(draft, `hidden_states.${index}`, `hidden_states_${index}`);
        });
      }
    },
  },
  {
    name: 'outputs in another order, and more of them',
    from: 'sd',
    findings: [],
    apply: (folder) =>
      editPart(folder, 'text_encoder', (draft) => {
        addOutput(draft, { name: 'hidden_states.0', type: 'float32', dims: ['batch', 77, 16] }, [
          { op: 'Identity', inputs: ['last_hidden_state'], outputs: ['hidden_states.0'] },
        ]);
        reverseOutputs(draft);
      }),
  },
  {
    name: 'an output without a name of its own',
    from: 'sd',
    findings: [],
    apply: (folder) =>
      editPart(folder, 'text_encoder', (draft) => {
        renameValue(draft, 'last_hidden_state', 'output_1');
        renameValue(draft, 'pooler_output', 'output_0');
        reverseOutputs(draft);
      }),
  },
  {
    name: 'other names of inputs and outputs',
    from: 'sd',
    findings: [],
    apply: async (folder) => {
      await editPart(folder, 'unet', (draft) => {
        renameValue(draft, 'sample', 'latent_model_input');
        renameValue(draft, 'timestep', 't');
        renameValue(draft, 'encoder_hidden_states', 'context');
        renameValue(draft, 'out_sample', 'noise_pred');
      });
      await editPart(folder, 'vae_decoder', (draft) => {
        renameValue(draft, 'latent_sample', 'z');
        renameValue(draft, 'sample', 'image');
      });
      await editPart(folder, 'text_encoder', (draft) => renameValue(draft, 'input_ids', 'tokens'));
    },
  },
  {
    name: 'a fixed batch of two',
    from: 'sd',
    // Rows in company are computed in another order.
    tolerance: 1,
    findings: ['BATCH_FIXED', 'SIZE_FIXED'],
    apply: (folder) =>
      editPart(folder, 'unet', (draft) => {
        replaceInput(draft, 'sample', { name: 'sample', type: 'float32', dims: [2, 4, 8, 8] });
        replaceInput(draft, 'encoder_hidden_states', { name: 'encoder_hidden_states', type: 'float32', dims: [2, 77, 16] });
      }),
  },
  {
    name: 'a fixed batch of one',
    from: 'sd',
    findings: ['BATCH_FIXED', 'TOKENS_FIXED'],
    apply: (folder) =>
      editPart(folder, 'unet', (draft) => {
        replaceInput(draft, 'sample', { name: 'sample', type: 'float32', dims: [1, 4, 'height', 'width'] });
        replaceInput(draft, 'encoder_hidden_states', { name: 'encoder_hidden_states', type: 'float32', dims: [1, 77, 16] });
      }),
  },
  {
    name: 'configs of VAE and scheduler under other names',
    from: 'sd',
    findings: [],
    apply: async (folder) => {
      await mkdir(path.join(folder, 'vae'));
      await rename(path.join(folder, 'vae_decoder/config.json'), path.join(folder, 'vae/config.json'));
      await rm(path.join(folder, 'vae_encoder/config.json'));
      await rename(path.join(folder, 'scheduler/scheduler_config.json'), path.join(folder, 'scheduler/config.json'));
    },
  },
  {
    name: "a snapshot in Hugging Face's cache",
    from: 'sd',
    findings: [],
    apply: async (folder) => {
      await moveWeights(folder, 'unet', 'model.onnx_data');
      return hubCache(folder);
    },
  },
];

/** A new folder of that layout; the caller removes it. */
export async function layoutFolder({ from, apply }: LayoutVariant): Promise<string> {
  const copy = await tinyModelFolder(from);
  return (await apply(copy)) ?? copy;
}
