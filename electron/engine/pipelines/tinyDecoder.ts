import type { RgbImage } from '../../../shared/engineProtocol.ts';
import { decodeLatents } from '../latents/vae.ts';
import type { ModelSession } from '../tensor/modelSession.ts';
import { mapTensor, tensor, type Tensor } from '../tensor/tensor.ts';
import { TorchGenerator } from '../tensor/random.ts';
import { ModelFault } from './modelFault.ts';

/**
 * TAESD (github.com/madebyollin/taesd): a small decoder of the same latents, for previews only. It takes model-scale latents;
 * the author's own exports give colours in 0..1, diffusers' AutoencoderTiny in -1..1, and neither says which.
 */
export interface TinyDecoder {
  /** Clean latents in model scale [B, C, h, w] to B pictures. */
  decode(latents: Tensor): Promise<RgbImage[]>;
}

/** A model that gives 0..1 leaves it a little at the dark end; one that gives -1..1 reaches far below. */
const darkest = -0.3;

/** @throws StopbathError as the session does, and `MODEL_UNSUPPORTED` for outputs that are no pictures. */
export async function openTinyDecoder(session: ModelSession, channels: number): Promise<TinyDecoder> {
  const output = session.outputs[0]?.name ?? '';
  const probe = await session.run({ [session.inputs[0]?.name ?? '']: probeLatents(session, channels) });
  const pixels = probe[output];
  const [, colours = 0, height = 0] = pixels?.dims ?? [];
  if (pixels === undefined || colours !== 3 || height < 8) {
    throw new ModelFault('TINY_DECODER_BAD', 'taesd_decoder', {
      code: 'MODEL_UNSUPPORTED',
      message: 'The small decoder for previews gives no pictures.',
      nextStep: 'Put a TAESD decoder of this model family there, or remove the folder.',
    });
  }
  const isUnit = pixels.data.every((value) => value > darkest);
  const whole: ModelSession = isUnit ? withSignedOutput(session, output) : session;
  const space = { scalingFactor: 1, statistics: null, channels, pixelFactor: 8, preview: { factors: [], bias: [] } };
  return { decode: (latents) => decodeLatents(whole, latents, space) };
}

/** Latents of ordinary spread: some of their colours are dark. */
function probeLatents(session: ModelSession, channels: number): Tensor {
  const [, , height, width] = session.inputs[0]?.dims ?? [];
  const side = (given: number | string | undefined): number => (typeof given === 'number' && given > 0 ? given : 8);
  return new TorchGenerator('3').normal([1, channels, side(height), side(width)]);
}

function withSignedOutput(session: ModelSession, output: string): ModelSession {
  return {
    inputs: session.inputs,
    outputs: session.outputs,
    release: () => session.release(),
    run: async (feeds) => {
      const results = await session.run(feeds);
      const pixels = results[output] ?? tensor([0], new Float32Array());
      return { ...results, [output]: mapTensor(pixels, (value) => value * 2 - 1) };
    },
  };
}
