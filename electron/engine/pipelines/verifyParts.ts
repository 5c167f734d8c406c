import { join } from 'node:path';
import type { LatentSpace } from '../latents/latentSpace.ts';
import type { ModelSession, OpenSession, TensorSpec } from '../tensor/modelSession.ts';
import { tensor, type Tensor } from '../tensor/tensor.ts';
import { featuresName, timestepTensor, type UnetFacts } from './unetModel.ts';
import { steadyTensor, verifySession } from './verify.ts';

/** What small inputs have to look like. */
export interface ProbeSizes {
  readonly latentSpace: LatentSpace;
  readonly sizeMultiple: number;
  readonly unet: UnetFacts;
}

/** Ids every vocabulary has, in a steady order. */
const probeIds = tensor([1, 77], Float32Array.from({ length: 77 }, (_, index) => index % 7));

/**
 * Runs one part on small inputs on its device and on the CPU; the reference is released before the next is opened.
 * @throws StopbathError `PROVIDER_UNAVAILABLE` when they differ.
 */
export async function verifyPart(
  folder: string,
  part: string,
  session: ModelSession,
  openReference: OpenSession,
  sizes: ProbeSizes,
): Promise<void> {
  const feeds = Object.fromEntries(session.inputs.map((spec) => [spec.name, probeInput(part, spec, sizes)]));
  const reference = await openReference(join(folder, part, 'model.onnx'));
  try {
    await verifySession(part, session, reference, feeds);
  } finally {
    await reference.release();
  }
}

/** A small value for an input of a part. */
export function probeInput(part: string, spec: TensorSpec, { latentSpace, sizeMultiple, unet }: ProbeSizes): Tensor {
  const side = Math.max(8, sizeMultiple / latentSpace.pixelFactor);
  if (part.startsWith('text_encoder')) return probeIds;
  if (part === 'vae_decoder') return steadyTensor([1, latentSpace.channels, side, side]);
  if (part === 'vae_encoder') return steadyTensor([1, 3, side * latentSpace.pixelFactor, side * latentSpace.pixelFactor]);
  if (spec.name === 'timestep') return timestepTensor(500, spec, 1);
  if (spec.name === 'sample') return steadyTensor([1, unet.channels, side, side]);
  if (spec.name === featuresName) return steadyTensor([1, Number(spec.dims[1]), side, side]);
  // Text and what belongs to it: only rows and tokens are ever left open.
  return steadyTensor(spec.dims.map((given, index) => (index === 0 ? 1 : typeof given === 'number' ? given : 77)));
}
