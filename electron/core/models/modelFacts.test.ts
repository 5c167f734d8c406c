import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { closeAll, temporaryFolder } from '../../hosts/testing/testApp.ts';
import { readModelFacts } from './modelFacts.ts';

afterEach(closeAll);

async function folderWith(files: Readonly<Record<string, unknown>>): Promise<string> {
  const folder = await temporaryFolder();
  for (const [name, content] of Object.entries(files)) {
    await mkdir(dirname(join(folder, name)), { recursive: true });
    await writeFile(join(folder, name), typeof content === 'string' ? content : JSON.stringify(content));
  }
  return folder;
}

const sdUnet = { in_channels: 4, sample_size: 64, block_out_channels: [320, 640, 1280, 1280], cross_attention_dim: 768 };
const xlUnet = { in_channels: 4, sample_size: 128, block_out_channels: [320, 640, 1280], cross_attention_dim: 2048 };
const vae = { block_out_channels: [128, 256, 512, 512] };
const onnx = { 'unet/model.onnx': '', 'vae_encoder/model.onnx': '', 'vae_decoder/config.json': vae };
const all = ['text-to-image', 'image-to-image', 'inpaint'];

/** Configs as the models' own repositories have them, shortened to what counts. */
const models: readonly (readonly [name: string, files: Readonly<Record<string, unknown>>, facts: object])[] = [
  [
    'Stable Diffusion 1.5',
    {
      ...onnx,
      'model_index.json': { _class_name: 'StableDiffusionPipeline' },
      'unet/config.json': sdUnet,
      'scheduler/scheduler_config.json': { _class_name: 'PNDMScheduler', prediction_type: 'epsilon' },
    },
    { family: 'sd', width: 512, height: 512, sizeMultiple: 64, minSide: 128, maxSide: 2048, steps: 25, guidanceScale: 7.5, scheduler: 'pndm', predictionType: 'epsilon', tasks: all },
  ],
  [
    'Stable Diffusion 2.1, v-prediction',
    {
      ...onnx,
      'model_index.json': { _class_name: 'ORTStableDiffusionPipeline' },
      'unet/config.json': { ...sdUnet, sample_size: 96, cross_attention_dim: 1024 },
      'scheduler/scheduler_config.json': { _class_name: 'DDIMScheduler', prediction_type: 'v_prediction' },
    },
    { family: 'sd', width: 768, height: 768, scheduler: 'ddim', predictionType: 'v_prediction' },
  ],
  [
    'the same without a sample_size',
    {
      ...onnx,
      'unet/config.json': { ...sdUnet, sample_size: undefined, cross_attention_dim: 1024 },
      'scheduler/scheduler_config.json': { _class_name: 'DDIMScheduler', prediction_type: 'v_prediction' },
    },
    { width: 768, height: 768 },
  ],
  [
    'SDXL',
    {
      ...onnx,
      'model_index.json': { _class_name: 'StableDiffusionXLPipeline' },
      'unet/config.json': xlUnet,
      'scheduler/scheduler_config.json': { _class_name: 'EulerDiscreteScheduler', timestep_spacing: 'leading' },
    },
    { family: 'sdxl', width: 1024, height: 1024, sizeMultiple: 32, minSide: 256, maxSide: 2048, steps: 25, guidanceScale: 5, scheduler: 'euler', tasks: all },
  ],
  [
    'SDXL Turbo',
    {
      ...onnx,
      'model_index.json': { _class_name: 'StableDiffusionXLPipeline' },
      'unet/config.json': { ...xlUnet, sample_size: 64 },
      'scheduler/scheduler_config.json': { _class_name: 'EulerAncestralDiscreteScheduler', timestep_spacing: 'trailing' },
    },
    { family: 'sdxl', width: 512, height: 512, steps: 4, guidanceScale: 1, scheduler: 'euler_a' },
  ],
  [
    'a model that is told its guidance (LCM)',
    {
      ...onnx,
      'model_index.json': { _class_name: 'LatentConsistencyModelPipeline' },
      'unet/config.json': { ...sdUnet, sample_size: 96, time_cond_proj_dim: 256 },
      'scheduler/scheduler_config.json': { _class_name: 'LCMScheduler' },
    },
    { width: 768, steps: 4, guidanceScale: 8, scheduler: 'lcm' },
  ],
  [
    'an LCM merge',
    { ...onnx, 'unet/config.json': sdUnet, 'scheduler/scheduler_config.json': { _class_name: 'LCMScheduler' } },
    { steps: 4, guidanceScale: 1, scheduler: 'lcm' },
  ],
  ['inpainting', { ...onnx, 'unet/config.json': { ...sdUnet, in_channels: 9 } }, { tasks: ['inpaint'] }],
  [
    "SDXL's refiner",
    { ...onnx, 'model_index.json': { _class_name: 'StableDiffusionXLImg2ImgPipeline', requires_aesthetics_score: true }, 'unet/config.json': xlUnet },
    { family: 'sdxl', tasks: ['image-to-image', 'inpaint'] },
  ],
  ['a model without an encoder', { 'unet/model.onnx': '', 'unet/config.json': sdUnet }, { tasks: ['text-to-image'] }],
  ['a diffusers folder', { 'unet/config.json': sdUnet, 'vae/config.json': vae, 'vae/diffusion_pytorch_model.fp16.safetensors': '' }, { tasks: all }],
  ['no configs at all', onnx, { family: 'sd', width: 512, height: 512, sizeMultiple: 64, steps: 25, scheduler: 'euler', predictionType: 'epsilon' }],
  ['no configs, two text encoders', { ...onnx, 'text_encoder_2/model.onnx': '' }, { family: 'sdxl', width: 1024 }],
  [
    'nonsense in the configs',
    {
      ...onnx,
      'model_index.json': '[1]',
      'unet/config.json': { in_channels: 'four', sample_size: -3, block_out_channels: 'wide' },
      'scheduler/scheduler_config.json': '{"_class_name": "NewScheduler", "lambda_min_clipped": -Infinity, "prediction_type": "flow"}',
    },
    { family: 'sd', width: 512, scheduler: 'euler', predictionType: 'epsilon', tasks: all },
  ],
  [
    'DPM++ SDE, with a number that JSON does not know',
    { ...onnx, 'scheduler/scheduler_config.json': '{"_class_name": "DPMSolverMultistepScheduler", "lambda_min_clipped": -Infinity, "algorithm_type": "sde-dpmsolver++"}' },
    { scheduler: 'dpmpp_2m_sde' },
  ],
  ['another shape', { ...onnx, 'unet/config.json': { ...sdUnet, sample_size: [64, 96] } }, { width: 768, height: 512 }],
];

describe('what a model folder says of itself', () => {
  it.each(models)('%s', async (_, files, facts) => {
    expect(await readModelFacts(await folderWith(files))).toMatchObject(facts);
  });

  it('takes what was read out of a checkpoint before what the configs say', async () => {
    const folder = await folderWith({ ...onnx, 'unet/config.json': sdUnet });
    const opened = { folder, family: 'sdxl', tasks: ['inpaint' as const], predictionType: 'v_prediction', width: 768, height: 640, uncertain: ['predictionType'] } as const;
    expect(await readModelFacts(folder, { ...opened, tasks: [...opened.tasks] })).toMatchObject({
      ...{ family: 'sdxl', tasks: ['inpaint'], predictionType: 'v_prediction', width: 768, height: 640, uncertain: ['predictionType'] },
    });
  });
});
