import type { EngineCommand, EngineMessage } from '../../../shared/engineProtocol.ts';
import { deviceReasons } from '../../../shared/deviceReasons.ts';
import { runSelfTest } from './selfTest.ts';
import { VerdictFile } from './verdictFile.ts';

type SelfTestCommand = Extract<EngineCommand, { kind: 'self-test' }>;

/**
 * Answers a self-test and lets the engines know of it: a note that the driver crashed stands while it is tried, good news after.
 * So Automatic knows of a crash that took this process along.
 */
export async function answerSelfTest({ requestId, provider, modelFolder }: SelfTestCommand, cacheFolder: string | null): Promise<EngineMessage> {
  const file = new VerdictFile(cacheFolder);
  const note = async (verdict: typeof deviceReasons.crashed | null | undefined): Promise<void> => {
    if (provider === 'cpu') return;
    const stored = await file.load();
    const others = Object.entries(stored.verdicts).filter(([name]) => name !== provider);
    await file.save({ ...stored, verdicts: { ...Object.fromEntries(others), ...(verdict === undefined ? {} : { [provider]: verdict }) } });
  };
  await note(deviceReasons.crashed);
  const report = await runSelfTest(provider, modelFolder);
  // Bad news other than a crash is found out again: what is missing may be installed any time.
  await note(report.kind === 'ran' && report.verdict === null ? null : undefined);
  return { kind: 'self-tested', requestId, report };
}
