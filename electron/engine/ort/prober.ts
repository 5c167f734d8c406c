import { fork } from 'node:child_process';
import type { z } from 'zod';
import { type DeviceReason, deviceReasons, explainFailure, hangsReason } from '../../../shared/deviceReasons.ts';
import type { ProviderId } from '../../../shared/generation.ts';
import { type ProbeReport, probeArguments, probeReportSchema } from './probe.ts';

/** `null`: the provider may be used. */
export type Verdict = DeviceReason | null;
export type Prober = (provider: ProviderId) => Promise<Verdict>;

/** float32 outputs of order 1: more is a wrong kernel, not rounding. Leaves room for TF32, CUDA's own choice, with 10 bits of mantissa. */
const tolerance = 2e-3;
const timeLimitMs = 30_000;
const maxStderr = 16_384;

/** Whether a report allows a provider; slower than the CPU does not (a software GPU computes correctly). */
export function judge(provider: ProviderId, report: ProbeReport, stderr: string): Verdict {
  if (report.kind === 'failed') return explainFailure(provider, `${stderr}\n${report.message}`);
  if (!report.isFinite) return deviceReasons.nan;
  if (!(report.maxDifference <= tolerance)) return deviceReasons.wrong;
  return report.providerMs > report.cpuMs ? deviceReasons.slow : null;
}

/**
 * Probes in a process of its own: a broken driver takes that one down and no other, and what it prints can be read.
 * @param entry a module that runs `runProbe` when its arguments ask for it
 */
export function forkedProber(entry: string, limitMs = timeLimitMs): Prober {
  return async (provider) => {
    const { report, stderr } = await probeApart(entry, probeArguments(provider), { provider, schema: probeReportSchema, limitMs });
    return 'code' in report ? report : judge(provider, report, stderr);
  };
}

interface Apart<Report> {
  readonly provider: ProviderId;
  readonly schema: z.ZodType<Report>;
  readonly limitMs: number;
}

/** Starts a throw-away process and waits for its end. @returns what it reported, or why it did not; and what it printed */
export function probeApart<Report extends object>(entry: string, args: readonly string[], { provider, schema, limitMs }: Apart<Report>): Promise<{ report: Report | DeviceReason; stderr: string }> {
  return new Promise((resolve) => {
    const child = fork(entry, args, {
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
      execArgv: [],
    });
    let stderr = '';
    let report: Report | null = null;
    let late = false;
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      stderr = (stderr + text).slice(-maxStderr);
    });
    child.on('message', (message) => {
      const parsed = schema.safeParse(message);
      if (parsed.success) report = parsed.data;
    });
    const timer = setTimeout(() => {
      late = true;
      child.kill('SIGKILL');
    }, limitMs);
    child.on('error', (error) => {
      stderr += String(error);
    });
    child.on('close', () => {
      clearTimeout(timer);
      resolve({ report: report ?? (late ? hangsReason(limitMs / 1000) : crashReason(provider, stderr)), stderr });
    });
  });
}

function crashReason(provider: ProviderId, stderr: string): DeviceReason {
  const reason = explainFailure(provider, stderr);
  return reason.code === 'EP_FAILED' || reason.code === 'CUDA_FAILED' ? deviceReasons.crashed : reason;
}
