import type { SchedulerId } from '../../../shared/generation.ts';
import { readSchedulerConfig, type SchedulerConfig } from './config.ts';
import { ddim } from './ddim.ts';
import { dpmpp2m } from './dpmpp2m.ts';
import { euler } from './euler.ts';
import { eulerAncestral } from './eulerAncestral.ts';
import type { Scheduler } from './scheduler.ts';

interface Entry {
  readonly scheduler: Scheduler;
  /** What the id itself stands for, over anything a model's file says. */
  readonly fixed: Partial<SchedulerConfig>;
}

const entries: Record<SchedulerId, Entry> = {
  euler: { scheduler: euler, fixed: {} },
  euler_a: { scheduler: eulerAncestral, fixed: {} },
  ddim: { scheduler: ddim, fixed: {} },
  dpmpp_2m: { scheduler: dpmpp2m, fixed: { useKarrasSigmas: false } },
  dpmpp_2m_karras: { scheduler: dpmpp2m, fixed: { useKarrasSigmas: true } },
};

/**
 * A scheduler with a model's config, cross-loaded as diffusers' `from_config` does.
 * @param file the parsed scheduler_config.json
 * @throws StopbathError `MODEL_UNSUPPORTED` when the config asks for a schedule that is not built.
 */
export function loadScheduler(id: SchedulerId, file: unknown): { scheduler: Scheduler; config: SchedulerConfig } {
  const { scheduler, fixed } = entries[id];
  return { scheduler, config: { ...readSchedulerConfig(file, scheduler.defaults), ...fixed } };
}
