import { z } from 'zod';
import { calls, providerRungSchema } from '../../shared/contract.ts';
import type { EngineMessage } from '../../shared/engineProtocol.ts';
import { generationRequestSchema, maxBatch, providerIds, steeringEntrySchema } from '../../shared/generation.ts';
import {
  callbackProblemSchema,
  failureSchema,
  maxLineLength,
  maxLinesAStep,
  pauseReasons,
  regionSchema,
  runTraceSchema,
  steeringSchema,
  stepRecordSchema,
  tokenCountSchema,
} from '../../shared/job.ts';
import { runWarningSchema } from '../../shared/runWarning.ts';
import { adapterFileSchema, doctorReportSchema, forecastSchema, modelSchema, predictionTypes } from '../../shared/models.ts';

const job = { jobId: z.string() };

const plainTensorSchema = z
  .object({ dims: z.array(z.int().min(0)), data: z.instanceof(Float32Array) })
  .refine(({ dims, data }) => dims.reduce((product, side) => product * side, 1) === data.length, 'dims do not fit data');

const imageSchema = z
  .object({ width: z.int().min(1), height: z.int().min(1), rgb: z.instanceof(Uint8Array) })
  .refine(({ width, height, rgb }) => rgb.length === width * height * 3, 'size does not fit pixels');

const imagesSchema = z.array(imageSchema).min(1).max(maxBatch);

/** Also checks what is read back from disk. */
export const checkpointSchema = z.object({
  version: z.literal(3),
  request: generationRequestSchema,
  modelHash: z.string(),
  stepsDone: z.int().min(1),
  numTimesteps: z.int().min(1),
  latents: plainTensorSchema,
  cleanEstimate: plainTensorSchema,
  stepper: z.unknown(),
  generator: z.unknown(),
  tensors: z.record(z.string(), plainTensorSchema),
  log: z.array(steeringEntrySchema),
  steps: z.array(stepRecordSchema),
});

const engineMessageSchema = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('ready'), runtimeVersion: z.string() }),
  z.object({ kind: z.literal('device'), provider: z.enum(providerIds), rungs: z.array(providerRungSchema) }),
  z.object({ ...job, kind: z.literal('loading'), part: z.string() }),
  z.object({ ...job, kind: z.literal('step'), step: stepRecordSchema }),
  z.object({
    ...job,
    kind: z.literal('preview'),
    stepIndex: z.int().min(0),
    source: z.enum(['linear', 'decoder']),
    image: imageSchema,
    region: regionSchema.nullable(),
  }),
  z.object({ ...job, kind: z.literal('checkpoint'), checkpoint: checkpointSchema }),
  z.object({ ...job, kind: z.literal('steered'), steering: steeringSchema, afterStep: z.int() }),
  z.object({ ...job, kind: z.literal('steer-refused'), steering: steeringSchema, failure: failureSchema }),
  z.object({ ...job, kind: z.literal('paused'), stepsDone: z.int().min(0), reason: z.enum(pauseReasons) }),
  z.object({ ...job, kind: z.literal('resumed') }),
  z.object({ ...job, kind: z.literal('callback-problem'), ...callbackProblemSchema.shape }),
  z.object({ ...job, kind: z.literal('warning'), ...runWarningSchema.shape }),
  z.object({
    ...job,
    kind: z.literal('callback-log'),
    name: z.string(),
    stepIndex: z.int().min(-1),
    lines: z.array(z.string().max(maxLineLength)).min(1).max(maxLinesAStep),
  }),
  z.object({ ...job, kind: z.literal('decoding') }),
  z.object({ ...job, kind: z.literal('finished'), images: imagesSchema, trace: runTraceSchema }),
  z.object({ ...job, kind: z.literal('stopped'), trace: runTraceSchema }),
  z.object({ ...job, kind: z.literal('decoded'), images: imagesSchema }),
  z.object({ kind: z.literal('tokens'), requestId: z.string(), counts: z.array(tokenCountSchema) }),
  z.object({ kind: z.literal('tokens-failed'), requestId: z.string(), failure: failureSchema }),
  z.object({ kind: z.literal('callback-checked'), requestId: z.string(), check: calls['callbacks.check'].output }),
  z.object({ ...job, kind: z.literal('failed'), failure: failureSchema }),
  z.object({ kind: z.literal('examined'), requestId: z.string(), report: doctorReportSchema.omit({ modelId: true, at: true }) }),
  z.object({
    kind: z.literal('checkpoint-opened'),
    requestId: z.string(),
    opened: z.object({
      ...modelSchema.pick({ family: true, tasks: true, width: true, height: true, uncertain: true }).shape,
      folder: z.string(),
      predictionType: z.enum(predictionTypes),
    }),
  }),
  z.object({ kind: z.literal('adapter-read'), requestId: z.string(), adapter: adapterFileSchema.omit({ name: true, path: true, bytes: true }) }),
  z.object({ kind: z.literal('forecast-made'), requestId: z.string(), forecast: forecastSchema }),
  z.object({ kind: z.literal('question-failed'), requestId: z.string(), failure: failureSchema }),
]);

type Parsed = z.output<typeof engineMessageSchema>;

/** What an engine process sent, or the reason it is no message of ours. */
export function parseEngineMessage(value: unknown): { message: EngineMessage } | { problem: string } {
  const parsed = engineMessageSchema.safeParse(value);
  if (!parsed.success) return { problem: z.prettifyError(parsed.error) };
  const message: Parsed = parsed.data;
  return { message: message as EngineMessage };
}
