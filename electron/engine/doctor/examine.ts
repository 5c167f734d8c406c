import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { DoctorReport } from '../../../shared/models.ts';
import { readLatentSpace, sd1Latents, sdxlLatents } from '../latents/latentSpace.ts';
import { readConfigs } from '../pipelines/configs.ts';
import type { CheckedOnnx } from '../pipelines/externalData.ts';
import { partNames, type PartName, readLayout } from '../pipelines/layout.ts';
import { checkPart } from '../pipelines/openChecked.ts';
import { readSchedulerConfig, trainedKeys } from '../schedulers/config.ts';
import { type Case, type ExamineDeps, readableBytes } from './case.ts';
import { Findings } from './findings.ts';
import { examineTexts, textParts } from './texts.ts';
import { type ExaminedUnet, examineShallow, examineUnet } from './unet.ts';
import { examineDecoder, examineEncoder, examineTinyDecoder } from './vae.ts';

export type Examination = Omit<DoctorReport, 'modelId' | 'at'>;

/**
 * Examines a model: finds its parts, reads what their files declare, makes sure nothing refers out of the folder, and runs one
 * small pass of each, one part in memory at a time. Never rejects: whatever is wrong is a finding. (A driver that crashes takes
 * the process with it; whoever started the process sees that.)
 */
export async function examine(folder: string, deps: ExamineDeps): Promise<Examination> {
  const findings = new Findings();
  await findings.attempt('', () => examineFolder(folder, deps, findings));
  return { provider: deps.provider, usable: !findings.hasErrors, findings: [...findings.all] };
}

async function examineFolder(folder: string, deps: ExamineDeps, findings: Findings): Promise<void> {
  const layout = await readLayout(folder);
  for (const { code, part, message, remedy } of layout.assumptions) findings.add('note', code, part, message, remedy);
  const needed: readonly PartName[] = [...textParts({ layout }), 'unet', 'vae_decoder'];
  const files = new Map<PartName, CheckedOnnx>();
  for (const part of partNames) {
    if (!needed.includes(part) && layout.files[part] === undefined) continue;
    const file = await findings.attempt(part, () => checkPart(layout, part));
    if (file !== null) files.set(part, file);
  }
  const configs = await findings.attempt('', () => readConfigs(layout));
  if (configs === null) return;
  for (const { code, part, message, remedy } of configs.assumptions) findings.add('note', code, part, message, remedy);
  await findings.attempt('scheduler', () => readSchedulerConfig(configs.scheduler, { ...trainedKeys, predictionType: 'epsilon' }));
  const latentSpace = await findings.attempt('vae_decoder', () =>
    readLatentSpace(configs.vae, configs.preview, layout.family === 'sdxl' ? sdxlLatents : sd1Latents),
  );
  if (latentSpace === null) return;
  const example: Case = { ...deps, findings, layout, configs, latentSpace, files };
  const texts = await examineTexts(example);
  const unet = await examineUnet(example, texts);
  await examineShallow(example);
  const encoded = await examineEncoder(example);
  await examineDecoder(example, { encoded, hasPreview: configs.preview !== null });
  await examineTinyDecoder(example);
  await noteOthers(example);
  if (!findings.hasErrors && unet !== null) summarise(example, unet);
}

async function noteOthers({ findings, layout, files }: Case): Promise<void> {
  const half = [...files].filter(([, { computesInHalf }]) => computesInHalf).map(([part]) => part);
  if (half.length > 0) {
    findings.add('note', 'HALF_PRECISION', '', `The model computes in half precision (${half.join(', ')}): half the memory, and results that differ a little from full precision.`);
  }
  if ([...files.values()].some(({ dataFiles }) => dataFiles.some((file) => file.endsWith('weights.pb')))) {
    findings.add('note', 'OLD_EXPORT', '', "Weights lie in weights.pb, as diffusers' first export script wrote them. That works.");
  }
  if (await exists(join(layout.folder, 'safety_checker'))) {
    findings.add('note', 'SAFETY_CHECKER_UNUSED', 'safety_checker', 'The model has a safety checker; it is not run.');
  }
}

const familyNames = { sd: 'Stable Diffusion', sdxl: 'Stable Diffusion XL' } as const;

function summarise({ findings, layout, files }: Case, { tasks, milliseconds }: ExaminedUnet): void {
  for (const [part, { bytes, opset }] of files) {
    findings.add('fine', 'PART_FINE', part, `${part}: ${readableBytes(bytes)}, ONNX opset ${opset}; a small pass gives numbers.`);
  }
  const bytes = [...files.values()].reduce((sum, file) => sum + file.bytes, 0);
  const pass = Number.isFinite(milliseconds) ? ` A small UNet call took ${Math.round(milliseconds)} ms.` : '';
  findings.add('fine', 'MODEL_FINE', '', `${familyNames[layout.family]}, ${readableBytes(bytes)}, for ${tasks.join(', ')}.${pass}`);
}

async function exists(file: string): Promise<boolean> {
  try {
    await stat(file);
    return true;
  } catch {
    return false;
  }
}
