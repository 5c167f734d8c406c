import type { Condition, ModelExtras } from '../guidance/condition.ts';
import { guidanceEmbedding } from '../guidance/guidanceEmbedding.ts';
import { requireFamily, requireTextWidth } from '../pipelines/fits.ts';
import { tasksOf } from '../pipelines/openModel.ts';
import { ModelFault } from '../pipelines/modelFault.ts';
import { shallowPart } from '../pipelines/unetBranches.ts';
import { readUnetConfig, type UnetFacts, unetFacts, unetModel, unetOutput } from '../pipelines/unetModel.ts';
import { unetInputs } from '../pipelines/unetInputs.ts';
import { steadyTensor } from '../pipelines/verify.ts';
import { type ProbeSizes, probeInput } from '../pipelines/verifyParts.ts';
import type { ModelSession } from '../tensor/modelSession.ts';
import { isFiniteTensor, repeatRows, tensor, type Tensor } from '../tensor/tensor.ts';
import { type Case, isHalf, nameOf, withPart } from './case.ts';
import type { ExaminedText } from './texts.ts';

export interface ExaminedUnet {
  readonly tasks: readonly string[];
  readonly milliseconds: number;
}

/** The UNet: what it declares, and one call of a row and one of two. */
export function examineUnet(example: Case, texts: ExaminedText): Promise<ExaminedUnet | null> {
  const { configs, findings, latentSpace, layout } = example;
  return withPart(example, 'unet', async (session, file) => {
    requireFamily(session, layout.family);
    requireTextWidth(session, texts.outputs);
    const config = readUnetConfig(configs.unet);
    const facts = unetFacts(config, session);
    const tasks = tasksOf(facts, latentSpace.channels, { requiresAestheticsScore: layout.index['requires_aesthetics_score'] === true });
    const model = unetModel(session, facts, latentSpace.channels);
    requireKnownInputs(session, nameOf(file, layout));
    noteInputs(example, session, facts);
    const text = promptOf(session, texts);
    if (text === null) return { tasks, milliseconds: NaN };
    const side = Math.max(8, 2 ** (config.levels - 1));
    const [rows, , height, width] = unetInputs(session).sample?.dims ?? [];
    const sample = steadyTensor([1, latentSpace.channels, fixed(height) ?? side, fixed(width) ?? side]);
    const condition = conditionOf(session, text, texts, layout.index['requires_aesthetics_score'] === true);
    const extras = extrasOf(facts, sample, latentSpace.channels);
    const begun = performance.now();
    requireFinite(await model(sample, 500, condition, extras), nameOf(file, layout), isHalf(session, file));
    const milliseconds = performance.now() - begun;
    if (fixed(rows) === null) {
      const twice = (value: Tensor | null): Tensor | null => (value === null ? null : repeatRows(value, 2));
      const two: Condition = { promptEmbeds: repeatRows(condition.promptEmbeds, 2), pooled: twice(condition.pooled), timeIds: twice(condition.timeIds) };
      const both: ModelExtras = { mask: twice(extras.mask), maskedImageLatents: twice(extras.maskedImageLatents), timestepCond: twice(extras.timestepCond) };
      await findings.attempt('unet', () => model(repeatRows(sample, 2), 1, two, both));
    }
    return { tasks, milliseconds };
  });
}

/** The UNet's outermost layers alone, in folders the app has written: one call. */
export function examineShallow(example: Case): Promise<void | null> {
  const { configs, latentSpace, layout } = example;
  return withPart(example, shallowPart, async (session, file) => {
    const config = readUnetConfig(configs.unet);
    const sizes: ProbeSizes = { latentSpace, unet: unetFacts(config, session), sizeMultiple: latentSpace.pixelFactor * 2 ** (config.levels - 1) };
    const feeds = Object.fromEntries(session.inputs.map((spec) => [spec.name, probeInput(shallowPart, spec, sizes)]));
    const result = (await session.run(feeds))[unetOutput(session)];
    if (result !== undefined) requireFinite(result, nameOf(file, layout), isHalf(session, file));
  });
}

/** Of graphs the app makes itself: strengths of LoRAs. */
const ownInputs = ['lora_strengths'];

/** @throws StopbathError `MODEL_UNSUPPORTED` for a UNet of a pipeline that tells it more. */
function requireKnownInputs(session: ModelSession, file: string): void {
  const known = Object.values(unetInputs(session)).map(({ name }) => name);
  const others = session.inputs.map(({ name }) => name).filter((name) => !known.includes(name) && !ownInputs.includes(name));
  if (others.length === 0) return;
  throw new ModelFault('INPUT_UNKNOWN', 'unet', {
    code: 'MODEL_UNSUPPORTED',
    message: `${file} wants more than a text, a timestep and latents: ${others.slice(0, 4).join(', ')}.`,
    nextStep: 'It is of another kind (ControlNet, IP-Adapter, video): export the model as text to image.',
  });
}

const fixed = (side: number | string | undefined): number | null => (typeof side === 'number' && side > 0 ? side : null);

/** What was encoded, or where that failed something of the width the UNet declares. */
function promptOf(session: ModelSession, { encoded }: ExaminedText): Tensor | null {
  if (encoded !== null) return encoded.embeds;
  const [, tokens, width] = unetInputs(session).encoder_hidden_states?.dims ?? [];
  return fixed(width) === null ? null : steadyTensor([1, fixed(tokens) ?? 77, fixed(width) ?? 1]);
}

function conditionOf(session: ModelSession, promptEmbeds: Tensor, { encoded }: ExaminedText, hasScore: boolean): Condition {
  const { text_embeds: pooled, time_ids: ids } = unetInputs(session);
  const size = [64, 64, 0, 0];
  return {
    promptEmbeds,
    pooled: pooled === undefined ? null : (encoded?.pooled ?? steadyTensor([1, fixed(pooled.dims[1]) ?? 1280])),
    timeIds: ids === undefined ? null : tensor([1, hasScore ? 5 : 6], Float32Array.from(hasScore ? [...size, 6] : [...size, 64, 64])),
  };
}

function extrasOf({ channels, guidanceWidth }: UnetFacts, sample: Tensor, latentChannels: number): ModelExtras {
  const [, , height = 8, width = 8] = sample.dims;
  const takesMask = channels > latentChannels;
  return {
    mask: takesMask ? tensor([1, 1, height, width], new Float32Array(height * width).fill(1)) : null,
    maskedImageLatents: takesMask ? steadyTensor([1, latentChannels, height, width]) : null,
    timestepCond: guidanceWidth === null ? null : guidanceEmbedding(5, guidanceWidth, 1),
  };
}

function requireFinite(result: Tensor, file: string, half: boolean): void {
  if (isFiniteTensor(result)) return;
  throw new ModelFault('NOT_FINITE', 'unet', {
    code: 'MODEL_NAN',
    message: `${file} gave values that are no numbers.`,
    nextStep: half ? 'Use a full-precision (fp32) version of the UNet, or run it on the CPU.' : 'Download the UNet again: its weights are damaged.',
  });
}

function noteInputs({ findings, layout, latentSpace, files }: Case, session: ModelSession, facts: UnetFacts): void {
  const { timestep, sample } = unetInputs(session);
  const file = files.get('unet');
  const name = file === undefined ? 'unet/model.onnx' : nameOf(file, layout);
  const whole = timestep !== undefined && timestep.type.startsWith('int');
  if (whole) {
    const remedy = 'Choose DDIM, DPM++ or UniPC, whose timesteps are whole, or export the model again with a current optimum-onnx.';
    findings.add('warning', 'TIMESTEP_WHOLE', 'unet', `${name} takes whole timesteps (${timestep.type}): Euler, Heun and LMS, which go between them, lose a little.`, remedy);
  }
  if (timestep?.type === 'float16') {
    findings.add('note', 'TIMESTEP_HALF', 'unet', `${name} takes timesteps in half precision: those between whole numbers are rounded.`);
  }
  if (timestep !== undefined && timestep.dims.length === 1) {
    findings.add('note', 'OLD_EXPORT', 'unet', `${name} takes a list of timesteps, as exports before November 2024 do. That works.`);
  }
  const [rows, , height, width] = sample?.dims ?? [];
  const batch = fixed(rows);
  if (batch !== null) {
    const how = batch === 1 ? 'one picture at a time, which are sent one after the other' : `${batch} pictures at a time, no more and no less; what is missing is filled up`;
    findings.add('note', 'BATCH_FIXED', 'unet', `${name} takes ${how}.`);
  }
  if (fixed(height) !== null || fixed(width) !== null) {
    const pixels = [width, height].map((side) => (fixed(side) ?? 0) * latentSpace.pixelFactor).join(' x ');
    findings.add('warning', 'SIZE_FIXED', 'unet', `${name} was exported for pictures of ${pixels} only.`, `Draw at ${pixels}, or export the model with free sides.`);
  }
  if (facts.tokens !== null) {
    const remedy = facts.tokens === 77 ? '' : 'Export the model again with a free prompt length.';
    findings.add('note', 'TOKENS_FIXED', 'unet', `${name} takes prompts of ${facts.tokens} tokens only: longer ones are cut.`, remedy);
  }
  if (facts.guidanceWidth !== null) {
    findings.add('note', 'GUIDANCE_EMBEDDED', 'unet', `${name} was distilled and is told the guidance scale: a step is one call, and the negative prompt does nothing.`);
  }
}
