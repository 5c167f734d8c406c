import { z } from 'zod';
import { type DeviceReason, deviceReasons, explainFailure, hangsReason } from '../../../shared/deviceReasons.ts';
import type { SelfTestReport } from '../../../shared/engineProtocol.ts';
import type { ProviderId } from '../../../shared/generation.ts';
import { createStderrTail } from '../engineFailure.ts';
import type { EngineProcess } from '../host.ts';

/** What became of a self-test. */
export interface SelfTestResult {
  /** null: the device may be used. */
  readonly reason: DeviceReason | null;
  readonly unetMs: { readonly one: number; readonly two: number } | null;
  readonly difference: number | null;
}

const reasonSchema = z.object({ code: z.string(), reason: z.string(), remedy: z.string() });
const pairSchema = z.object({ one: z.number(), two: z.number() });
const reportSchema = z.object({
  kind: z.literal('self-tested'),
  report: z.discriminatedUnion('kind', [
    z.object({ kind: z.literal('ran'), verdict: reasonSchema.nullable(), unetMs: pairSchema.nullable(), cpuMs: pairSchema, difference: z.number() }),
    z.object({ kind: z.literal('failed'), message: z.string() }),
  ]) satisfies z.ZodType<SelfTestReport>,
});
const readySchema = z.object({ kind: z.literal('ready') });

export interface SelfTestOptions {
  /** Starts an engine process for nothing else. */
  readonly start: () => EngineProcess;
  readonly provider: ProviderId;
  readonly modelFolder: string;
  readonly limitMs: number;
}

/** Tries a device in a process of its own: one that crashes or hangs takes only that process along. Never rejects. */
export function runSelfTest({ start, provider, modelFolder, limitMs }: SelfTestOptions): Promise<SelfTestResult> {
  return new Promise((resolve) => {
    const child = start();
    const stderr = createStderrTail();
    let result: SelfTestResult | null = null;
    let late = false;
    const timer = setTimeout(() => {
      late = true;
      child.kill();
    }, limitMs);
    child.onStderr((text) => stderr.add(text));
    child.onMessage((message) => {
      if (readySchema.safeParse(message).success) child.send({ kind: 'self-test', requestId: 'self-test', provider, modelFolder });
      const parsed = reportSchema.safeParse(message);
      if (!parsed.success) return;
      result = resultOf(provider, parsed.data.report, stderr.text());
      child.kill();
    });
    child.onExit(() => {
      clearTimeout(timer);
      resolve(result ?? { reason: late ? hangsReason(Math.round(limitMs / 1000)) : crashed(provider, stderr.text()), unetMs: null, difference: null });
    });
  });
}

function resultOf(provider: ProviderId, report: SelfTestReport, stderr: string): SelfTestResult {
  if (report.kind === 'failed') {
    return { reason: explainFailure(provider, `${stderr}\n${report.message}`), unetMs: null, difference: null };
  }
  return { reason: report.verdict, unetMs: report.unetMs, difference: report.difference };
}

function crashed(provider: ProviderId, stderr: string): DeviceReason {
  const reason = explainFailure(provider, stderr);
  return reason.code === 'EP_FAILED' || reason.code === 'CUDA_FAILED' ? deviceReasons.crashed : reason;
}
