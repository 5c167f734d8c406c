import type { Settings } from '../../../shared/contract.ts';
import { batchSize, type GenerationRequest, type ProviderId } from '../../../shared/generation.ts';
import type { Forecast } from '../../../shared/models.ts';
import { kindOf, type MemoryPlan } from '../pipelines/residency.ts';
import { guidedCallsOnCpu } from '../guidance/guidedPrediction.ts';
import { isGuided } from '../guidance/guidanceState.ts';
import type { DeviceMemory } from './freeMemory.ts';
import type { ModelSize, PartSize } from './modelSize.ts';
import { type CallSize, workBytes } from './workMemory.ts';

export interface PlanInput {
  readonly size: ModelSize;
  readonly provider: ProviderId;
  readonly request: Pick<GenerationRequest, 'task' | 'width' | 'height' | 'morePrompts' | 'imagesPerPrompt' | 'guidanceScale' | 'reuse'>;
  readonly policy: Settings['memoryPolicy'];
  /** Pictures are decoded while the run goes on. */
  readonly decodesPreviews: boolean;
  readonly memory: DeviceMemory;
}

export interface PlannedRun {
  readonly plan: MemoryPlan;
  readonly forecast: Forecast;
}

/** The process itself, its libraries and what it holds of pictures. */
const baseBytes = 200 * 2 ** 20;
/** Share of the free memory that a plan may fill before it turns to the next, thriftier one: the model of the work is no exact one. */
const comfortable = 0.85;
/** Below this nothing is gained by thrift: the built-in model takes a fiftieth of it. */
const smallBytes = 512 * 2 ** 20;
const tileSides = [64, 32];

interface PartNeed {
  readonly part: PartSize['part'];
  readonly weightBytes: number;
  readonly workBytes: number;
}

/**
 * How a run is to use memory, and what it will take. From the fastest plan to the thriftiest, the first that fits comfortably: all parts
 * kept (on the CPU only when asked for); text encoders and VAE released after use; the VAE in tiles; one part at a time.
 */
export function planRun(input: PlanInput): PlannedRun {
  const { policy, memory, size } = input;
  const candidates = plansFor(input);
  const chosen = candidates.find((plan) => needOf(input, plan).bytes <= memory.free * comfortable) ?? candidates.at(-1) ?? candidates[0];
  const plan = isSmallModel(size, policy) ? { ...chosen, policy: 'keep' as const, oneAtATime: false } : chosen;
  const { bytes, parts } = needOf(input, plan);
  return {
    plan,
    forecast: {
      needBytes: Math.round(bytes),
      freeBytes: Math.round(memory.free),
      totalBytes: Math.round(memory.total),
      policy: plan.policy,
      tiledVae: plan.vaeTile !== null,
      verdict: bytes <= memory.free * comfortable ? 'fits' : bytes <= memory.free ? 'tight' : 'too-much',
      parts: parts.map(({ part, weightBytes, workBytes: work }) => ({ part, weightBytes, workBytes: Math.round(work) })),
    },
  };
}

/** One that is kept whatever there is, unless a person says otherwise. */
export function isSmallModel({ parts }: ModelSize, policy: PlanInput['policy']): boolean {
  return policy === 'auto' && parts.reduce((sum, { weightBytes }) => sum + weightBytes, 0) < smallBytes;
}

function plansFor({ policy, provider, request, size, decodesPreviews: holdsDecoder }: PlanInput): readonly [MemoryPlan, ...MemoryPlan[]] {
  const longest = Math.max(request.width, request.height) / size.pixelFactor;
  const tiles = tileSides.filter((tile) => tile < longest);
  const keep: MemoryPlan = { policy: 'keep', oneAtATime: false, vaeTile: null, holdsDecoder, mapsWeights: provider === 'cpu' };
  const tiled = (plan: MemoryPlan): MemoryPlan[] => tiles.map((vaeTile) => ({ ...plan, vaeTile }));
  // Whoever asked for all parts to stay gets that; tiles cost little.
  if (policy === 'keep') return [keep, ...tiled(keep)];
  const release: MemoryPlan = { ...keep, policy: 'release' };
  const thrifty = [...tiled(release), { ...release, oneAtATime: true, vaeTile: tiles.at(-1) ?? null }];
  // On the CPU weights are mapped: to let go of them costs half a second at the next prompt, and gives a tenth of the memory back.
  return policy === 'release' || provider === 'cpu' ? [release, ...thrifty] : [keep, release, ...thrifty];
}

/** The largest moment of a run: what lies in memory then, and the work of the part that is at it. */
function needOf(input: PlanInput, plan: MemoryPlan): { bytes: number; parts: readonly PartNeed[] } {
  const used = input.size.parts.filter(({ part }) => isUsed(part, input));
  const parts = used.map((part) => ({ part: part.part, weightBytes: part.weightBytes, workBytes: workOf(part, input, plan) }));
  const moments = parts.map((working) => {
    const beside = parts.filter((other) => other !== working && staysBeside(other.part, working.part, plan));
    return working.workBytes + [working, ...beside].reduce((sum, { weightBytes }) => sum + weightBytes, 0);
  });
  return { bytes: baseBytes + Math.max(0, ...moments), parts };
}

function isUsed(part: PartSize['part'], { request, decodesPreviews }: PlanInput): boolean {
  if (part === 'vae_encoder') return request.task !== 'text-to-image';
  if (part === 'unet_shallow') return request.reuse.kind === 'features';
  return part === 'taesd_decoder' ? decodesPreviews : true;
}

function staysBeside(other: string, working: string, plan: MemoryPlan): boolean {
  if (plan.policy === 'keep' || kindOf(other) === kindOf(working)) return true;
  if (other === 'unet') return !plan.oneAtATime;
  return (other === 'vae_decoder' && plan.holdsDecoder) || other === 'taesd_decoder';
}

function workOf(part: PartSize, input: PlanInput, { vaeTile }: MemoryPlan): number {
  const { size, provider, request } = input;
  const [height, width] = [request.height / size.pixelFactor, request.width / size.pixelFactor];
  const rows = batchSize(request) * (kindOf(part.part) === 'unet' && asksForTwice(input) ? 2 : 1);
  const side = (given: number): number => (kindOf(part.part) === 'vae' && vaeTile !== null ? Math.min(given, vaeTile) : given);
  const call: CallSize = { rows, height: side(height), width: side(width) };
  return workBytes(size, part, call, provider === 'cpu' ? 'cpu' : 'other');
}

/** Whether both halves of guidance may go as one call. */
function asksForTwice({ provider, request, size }: PlanInput): boolean {
  if (!isGuided(request.guidanceScale)) return false;
  if (provider !== 'cpu') return true;
  const dims = [batchSize(request), size.latentChannels, request.height / size.pixelFactor, request.width / size.pixelFactor];
  return guidedCallsOnCpu({ dims }) === 'one-batch';
}
