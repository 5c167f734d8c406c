import { rm } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { brokenModels } from '../../../e2e/layouts/broken.ts';
import { tinyModelFolder } from '../../../e2e/parity/tiny/folder.ts';
import type { Failure } from '../../../shared/errors.ts';
import type { Finding } from '../../../shared/models.ts';
import { parseGenerationRequest } from '../../../shared/generation.ts';
import { createRig, ofKind, type Rig, tinyRequest } from '../testing/engineRig.ts';
import type { Examination } from './examine.ts';

const request = parseGenerationRequest({ ...tinyRequest, steps: 2, scheduler: 'ddim' });

async function examined(rig: Rig, modelFolder: string): Promise<Examination> {
  const before = rig.messages.length;
  await rig.engine.handle({ kind: 'examine', requestId: 'q', modelFolder, provider: 'cpu' });
  const [answer] = ofKind(rig.messages.slice(before), 'examined');
  if (answer === undefined) throw new Error('The doctor did not answer.');
  return answer.report;
}

describe('a broken model is told in words of its own, and the engine goes on', () => {
  // One engine sees all of them, one after the other, as a person's would.
  let good: string;
  let rig: Rig;
  const told = new Map<string, string>();
  beforeAll(async () => {
    good = await tinyModelFolder('sd');
    rig = createRig(good);
  });
  afterAll(() => rm(good, { recursive: true, force: true }));

  it.each(brokenModels.map((model) => [model.name, model] as const))('%s', async (name, { from, spoil, code, file, draws }) => {
    const folder = await tinyModelFolder(from);
    await spoil(folder);

    const report = await examined(rig, folder);
    const errors = report.findings.filter(({ severity }) => severity === 'error');
    expect(report.usable).toBe(false);
    const finding = errors.find((item) => item.code === code && `${item.part} ${item.message}`.includes(file));
    expect(finding, JSON.stringify(errors, null, 1)).toMatchObject({ message: expect.stringMatching(/\.$/) as unknown, remedy: expect.stringMatching(/\.$/) as unknown });
    told.set(name, finding?.message ?? '');

    const failure: Failure | undefined = ofKind(await rig.generate({ modelFolder: folder, request }), 'failed')[0]?.failure;
    if (draws === true) expect(failure).toBeUndefined();
    else {
      expect(failure?.code).not.toBe('INTERNAL');
      expect(`${failure?.message ?? ''} ${failure?.nextStep ?? ''}`.trim()).toMatch(/\.$/);
      expect(failure?.message).toContain(file.split('/')[0]);
    }
    await rm(folder, { recursive: true, force: true });
  });

  it('each has words of its own, and a whole model is still drawn and found whole', async () => {
    // Names of temporary folders aside, no two say the same.
    const names = [...told.keys()];
    expect(names.filter((name) => names.some((other) => other !== name && told.get(other) === told.get(name)))).toEqual([]);
    expect(told.size).toBeGreaterThanOrEqual(30);
    expect(ofKind(await rig.generate({ request }), 'finished')).toHaveLength(1);
    const report = await examined(rig, good);
    expect(report.findings.filter(({ severity }: Finding) => severity === 'error' || severity === 'warning')).toEqual([]);
    expect(report.usable).toBe(true);
  });
});
