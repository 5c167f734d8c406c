import type { ModelSession, TensorSpec } from '../tensor/modelSession.ts';
import { ModelFault } from './modelFault.ts';
import type { Family } from './layout.ts';
import { unetInputs } from './unetInputs.ts';

/**
 * SDXL's UNet is told the pooled text and the picture's size, Stable Diffusion's is not.
 * @throws StopbathError `MODEL_PARTS` where the UNet is of the other family.
 */
export function requireFamily(unet: ModelSession, family: Family): void {
  const { text_embeds: pooled } = unetInputs(unet);
  if ((pooled !== undefined) === (family === 'sdxl')) return;
  const [is, wanted] = family === 'sdxl' ? ['Stable Diffusion 1 or 2', 'SDXL'] : ['SDXL', 'Stable Diffusion 1 or 2'];
  throw new ModelFault('FAMILY_MIXED', 'unet', {
    code: 'MODEL_PARTS',
    message: `unet/model.onnx is of ${is}, the rest of the folder of ${wanted}: ${pooled === undefined ? 'it has no' : 'it has an'} input "text_embeds".`,
    nextStep: 'Copy all parts from one and the same model, its model_index.json too.',
  });
}

/** @throws StopbathError `MODEL_PARTS` where text encoders and UNet were not made for each other. */
export function requireTextWidth(unet: ModelSession, encoders: Readonly<Record<string, Pick<ModelSession, 'outputs'>>>): void {
  const wanted = unetInputs(unet).encoder_hidden_states?.dims[2];
  const widths = Object.values(encoders).map(hiddenWidth);
  if (typeof wanted !== 'number' || wanted < 1 || widths.includes(null)) return;
  const given = widths.reduce<number>((sum, width) => sum + (width ?? 0), 0);
  if (given === wanted) return;
  const names = Object.keys(encoders).map((part) => `${part}/model.onnx`).join(' and ');
  throw new ModelFault('TEXT_WIDTH', Object.keys(encoders)[0] ?? 'text_encoder', {
    code: 'MODEL_PARTS',
    message: `${names} and unet/model.onnx are not of the same model: the text is ${given} numbers wide, the UNet takes ${wanted}.`,
    nextStep: "Copy the model's own text encoder again.",
  });
}

/** @throws StopbathError `MODEL_PARTS` where the decoder takes other latents than its config says. */
export function requireLatentChannels(decoder: ModelSession, channels: number): void {
  const taken = decoder.inputs[0]?.dims[1];
  if (typeof taken !== 'number' || taken < 1 || taken === channels) return;
  throw new ModelFault('CHANNELS', 'vae_decoder', {
    code: 'MODEL_PARTS',
    message: `vae_decoder/model.onnx takes latents of ${taken} channels, its config.json says ${channels}.`,
    nextStep: 'Copy the folder vae_decoder of the model again, with its config.json.',
  });
}

/** Numbers a token becomes: the last side of the first output with three; null where it is left open. */
function hiddenWidth({ outputs }: { readonly outputs: readonly TensorSpec[] }): number | null {
  const width = outputs.find(({ dims }) => dims.length === 3)?.dims[2];
  return typeof width === 'number' && width > 0 ? width : null;
}
