import type { Content } from './content.ts';
import { contentOf, syntheticContent } from './content.ts';

/** The files of a model in optimum's layout: names as the real ones have them, contents a few kilobytes that nobody runs. */
export function tinyOnnx(weightBytes = 5000): Record<string, Content> {
  const json = (value: unknown): Content => contentOf(JSON.stringify(value));
  return {
    '.gitattributes': contentOf('*.onnx filter=lfs\n'),
    'README.md': contentOf('# A model\n'),
    'model_index.json': json({ _class_name: 'StableDiffusionPipeline', unet: ['diffusers', 'UNet2DConditionModel'] }),
    'scheduler/scheduler_config.json': json({ _class_name: 'PNDMScheduler' }),
    'text_encoder/config.json': json({ hidden_size: 768 }),
    'text_encoder/model.onnx': syntheticContent(weightBytes, 1),
    'tokenizer/vocab.json': json({ a: 0, b: 1 }),
    'tokenizer/merges.txt': contentOf('#version: 0.2\na b\n'),
    'unet/config.json': json({ in_channels: 4 }),
    'unet/model.onnx': syntheticContent(2000, 2),
    'unet/model.onnx_data': syntheticContent(weightBytes * 3, 3),
    'vae_decoder/config.json': json({ scaling_factor: 0.18215 }),
    'vae_decoder/model.onnx': syntheticContent(weightBytes, 4),
  };
}
