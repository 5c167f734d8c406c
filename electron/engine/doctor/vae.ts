import { decodeLatents, encodePixels } from '../latents/vae.ts';
import type { LatentSpace } from '../latents/latentSpace.ts';
import { requireLatentChannels } from '../pipelines/fits.ts';
import type { CheckedOnnx } from '../pipelines/externalData.ts';
import { copyAgain, isNan, ModelFault } from '../pipelines/modelFault.ts';
import { decoderHash, writeFittedPreview } from '../pipelines/previewCache.ts';
import { type DecodedExample, drawnLatents, explainedBy, fitPreviewMap, probePictures } from '../pipelines/previewFit.ts';
import { openTinyDecoder } from '../pipelines/tinyDecoder.ts';
import type { ModelSession } from '../tensor/modelSession.ts';
import { TorchGenerator } from '../tensor/random.ts';
import { mapTensor, type Tensor } from '../tensor/tensor.ts';
import { type Case, isHalf, nameOf, withPart } from './case.ts';

/** The encoder, where there is one: a few small pictures to clean latents in model scale. */
export async function examineEncoder(example: Case): Promise<readonly Tensor[] | null> {
  const { findings, latentSpace, layout } = example;
  if (layout.files.vae_encoder === undefined) {
    const message = 'vae_encoder/model.onnx is missing: the model draws from text, but cannot start from a picture.';
    findings.add('warning', 'VAE_ENCODER_MISSING', 'vae_encoder', message, 'Export the model again with its VAE encoder, if you want to start from pictures.');
    return null;
  }
  return withPart(example, 'vae_encoder', async (session, file) => {
    const latents: Tensor[] = [];
    const noise = new TorchGenerator('0');
    const pictures = hasFreeSides(session) ? probePictures(latentSpace) : [];
    for (const picture of pictures) {
      latents.push(await encodePixels(session, picture, { space: latentSpace, rows: 1, noise, standardise: false }));
      if (latents.length === 1) noteSampling(example, session, file, picture, latents);
    }
    return latents;
  });
}

function noteSampling({ findings, latentSpace, layout }: Case, session: ModelSession, file: CheckedOnnx, picture: Tensor, latents: readonly Tensor[]): void {
  const name = nameOf(file, layout);
  const [, , height = 0] = latents[0]?.dims ?? [];
  requireFactor(name, 'vae_encoder', picture.dims[2] ?? 0, height, latentSpace);
  if (session.outputs[0]?.name === 'latent_parameters') return;
  const channels = session.outputs[0]?.dims[1];
  if (typeof channels === 'number' && channels === 2 * latentSpace.channels) return;
  const message = `${name} draws its own noise (exports before October 2024): a start picture gives a slightly other result every time.`;
  findings.add('note', 'VAE_ENCODER_SAMPLES', 'vae_encoder', message, 'Export the model again with a current optimum-onnx for results that repeat.');
}

/** What the decoder is tried on. */
export interface DecoderTrial {
  /** Encoded pictures; null or empty: latents are drawn. */
  readonly encoded: readonly Tensor[] | null;
  /** The model brought a preview of its own. */
  readonly hasPreview: boolean;
}

/** The decoder: small decodes, ordinary and strong; from the same decodes the preview map. */
export async function examineDecoder(example: Case, { encoded, hasPreview }: DecoderTrial): Promise<void> {
  const { findings, latentSpace, layout } = example;
  await withPart(example, 'vae_decoder', async (session, file) => {
    requireLatentChannels(session, latentSpace.channels);
    const half = isHalf(session, file);
    const name = nameOf(file, layout);
    const drawn = hasFreeSides(session) ? drawnLatents(latentSpace) : [drawnOf(session, latentSpace)];
    const latents = encoded !== null && encoded.length > 0 ? [...encoded, ...drawn.slice(0, 2)] : drawn;
    const examples = await decodeAll(session, latents, latentSpace).catch((error: unknown) => {
      if (isNan(error) && half) return decodeOnCpu(example, file, latents);
      throw error;
    });
    const [first] = examples;
    if (first !== undefined) requireFactor(name, 'vae_decoder', first.image.width, first.latents.dims[3] ?? 0, latentSpace);
    const overflowed = findings.all.some(({ code }) => code === 'VAE_OVERFLOW');
    if (half && !overflowed) await tryStrong(example, session, name, drawn);
    if (!hasPreview) await findings.attempt('vae_decoder', () => fitPreview(example, file, examples));
  });
}

async function decodeAll(session: ModelSession, latents: readonly Tensor[], space: LatentSpace): Promise<DecodedExample[]> {
  const examples: DecodedExample[] = [];
  for (const item of latents) {
    const [image] = await decodeLatents(session, item, space);
    if (image !== undefined) examples.push({ latents: item, image });
  }
  return examples;
}

/** What the engine does in a run, too, when half precision overflows: the CPU computes it in full precision. */
async function decodeOnCpu({ findings, latentSpace, layout, openOnCpu, provider }: Case, file: CheckedOnnx, latents: readonly Tensor[]): Promise<DecodedExample[]> {
  const name = nameOf(file, layout);
  const session = await openOnCpu?.(file.file);
  if (session === undefined) throw overflow(name);
  try {
    const examples = await decodeAll(session, latents, latentSpace);
    const message = `${name} overflows in half precision on ${provider}: its pictures would be black. The CPU decodes them instead, which is slower.`;
    findings.add('warning', 'VAE_OVERFLOW', 'vae_decoder', message, fullPrecision);
    return examples;
  } catch (error) {
    throw isNan(error) ? overflow(name) : error;
  } finally {
    await session.release();
  }
}

const fullPrecision = 'Put sdxl-vae-fp16-fix or a full-precision (fp32) vae_decoder in its place.';

/** Strong colours and edges reach values that half precision cannot hold in SDXL's own decoder. */
const strong = 3;

async function tryStrong({ findings, latentSpace, layout, configs, provider }: Case, session: ModelSession, name: string, drawn: readonly Tensor[]): Promise<void> {
  // The finest field: its neighbours differ most.
  const sharpest = drawn[3] ?? drawn[0];
  const remedy = `${fullPrecision} Until then such pictures are decoded on the CPU, in full precision.`;
  try {
    if (sharpest !== undefined) await decodeLatents(session, mapTensor(sharpest, (value) => value * strong), latentSpace);
  } catch (error) {
    if (!isNan(error)) throw error;
    findings.add('warning', 'VAE_HALF_RISK', 'vae_decoder', `${name} overflows in half precision on strong colours.`, remedy);
    return;
  }
  if (layout.family !== 'sdxl' || configs.vae['force_upcast'] !== true) return;
  const message = `${name} is in half precision, and its config says that this decoder needs more: SDXL's own VAE gives black pictures then.`;
  findings.add(provider === 'cpu' ? 'note' : 'warning', 'VAE_HALF_RISK', 'vae_decoder', message, remedy);
}

function overflow(name: string): ModelFault {
  return new ModelFault('VAE_OVERFLOW', 'vae_decoder', {
    code: 'MODEL_NAN',
    message: `${name} overflows in half precision: its pictures would be black.`,
    nextStep: fullPrecision,
  });
}

/** A map that explains this much less than a fitted one is not this decoder's. */
const margin = 0.05;

async function fitPreview({ findings, latentSpace, cacheFolder, layout }: Case, file: CheckedOnnx, examples: readonly DecodedExample[]): Promise<void> {
  const known = explainedBy(latentSpace.preview, examples);
  const fitted = fitPreviewMap(examples, latentSpace.channels);
  const explained = explainedBy(fitted, examples);
  const percent = (share: number): string => `${Math.round(Math.max(share, 0) * 100)} %`;
  if (explained - known <= margin) {
    findings.add('fine', 'PREVIEW_KNOWN', 'vae_decoder', `Previews use the colours known for this kind of model; they explain ${percent(known)} of what the decoder does.`);
    return;
  }
  if (cacheFolder !== null) await writeFittedPreview(cacheFolder, await decoderHash(layout.root, file, cacheFolder), { version: 1, ...fitted, explained });
  const message = `Preview colours were fitted to this decoder: they explain ${percent(explained)} of what it does, those of its family ${percent(known)}.`;
  findings.add('fine', 'PREVIEW_FITTED', 'vae_decoder', message);
}

/** A small decoder for previews, where the user put one. */
export async function examineTinyDecoder(example: Case): Promise<void> {
  const { findings, latentSpace, files, layout } = example;
  const file = files.get('taesd_decoder');
  if (file === undefined) return;
  try {
    const session = await example.openSession(file.file);
    try {
      const decoder = await openTinyDecoder(session, latentSpace.channels);
      const [latents] = hasFreeSides(session) ? drawnLatents(latentSpace) : [drawnOf(session, latentSpace)];
      if (latents !== undefined) await decoder.decode(latents);
      findings.add('fine', 'TINY_DECODER', 'taesd_decoder', `Previews are drawn by the small decoder ${nameOf(file, layout)}.`);
    } finally {
      await session.release();
    }
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    findings.add('warning', 'TINY_DECODER_BAD', 'taesd_decoder', `The small decoder ${nameOf(file, layout)} cannot be used for previews: ${why}`, 'Put a TAESD decoder of this model family there, or remove the folder.');
  }
}

/** @throws StopbathError `MODEL_PARTS` where pixels a latent are not as many as the config says. */
function requireFactor(name: string, part: string, pixels: number, latents: number, { pixelFactor }: LatentSpace): void {
  if (pixels === latents * pixelFactor) return;
  throw new ModelFault('OUTPUT_SIZE', part, {
    code: 'MODEL_PARTS',
    message: `${name} has ${pixels} pixels for ${latents} latents, its config.json says ${pixelFactor} for one.`,
    nextStep: `${copyAgain} The config.json of ${part} belongs to another VAE.`,
  });
}

function hasFreeSides({ inputs }: ModelSession): boolean {
  return (inputs[0]?.dims ?? []).slice(2).every((side) => typeof side !== 'number' || side < 1);
}

/** For decoders of one size only. */
function drawnOf(session: ModelSession, { channels }: LatentSpace): Tensor {
  const [, , height, width] = session.inputs[0]?.dims ?? [];
  const side = (given: number | string | undefined): number => (typeof given === 'number' && given > 0 ? given : 16);
  return new TorchGenerator('20').normal([1, channels, side(height), side(width)]);
}
