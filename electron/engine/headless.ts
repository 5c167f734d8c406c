import { randomBytes } from 'node:crypto';
import { dirname, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import manifest from '../../package.json' with { type: 'json' };
import type { Checkpoint, EngineMessage, RgbImage } from '../../shared/engineProtocol.ts';
import { type Failure, toFailure } from '../../shared/errors.ts';
import { formatInfotext } from '../../shared/infotext.ts';
import type { RunTrace } from '../../shared/job.ts';
import { encodePng } from '../media/png.ts';
import { interruptAfterStep } from './callbacks/interrupt.ts';
import { ArgumentError, type CommandLine, optionOfField, parseOptions, readCommandLine, usage } from './cli/args.ts';
import { ctrlC } from './cli/ctrlC.ts';
import { readDefaults } from './cli/defaults.ts';
import { makeFolder, npy, requireWritable, stepFile, writeWhole } from './cli/files.ts';
import { createProgress } from './cli/progress.ts';
import { createEngine } from './engine.ts';
import { readModelName } from './pipelines/modelFolder.ts';

/** The engine from a command line; see `usage`. */

const exitCodes = { done: 0, failed: 1, arguments: 2, model: 3, stopped: 130 } as const;

const here = dirname(fileURLToPath(import.meta.url));
const starterFolder = resolve(here, '../../assets/starter');

/** What a run left behind. */
interface Outcome {
  image: RgbImage | null;
  trace: RunTrace | null;
  checkpoint: Checkpoint | null;
  failure: Failure | null;
}

async function main(argv: readonly string[]): Promise<number> {
  const given = parseOptions(argv);
  if (given.help === true) {
    process.stdout.write(usage);
    return exitCodes.done;
  }
  const modelFolder = resolve(given.model ?? starterFolder);
  const randomSeed = String(randomBytes(4).readUInt32LE());
  const line = readCommandLine(given, modelFolder, await readDefaults(modelFolder), randomSeed);
  await requireWritable('out', line.out);
  if (line.trace !== null) await requireWritable('trace', line.trace);
  const { outcome, signalled } = await run(line);
  // Whatever else has failed, what there is is kept; the picture first.
  if (outcome.image !== null) await writePicture(line, outcome, outcome.image);
  if (outcome.trace !== null && line.trace !== null) {
    await writeWhole(line.trace, `${JSON.stringify(outcome.trace, null, 2)}\n`);
  }
  if (outcome.failure !== null) return reportFailure(outcome.failure);
  if (outcome.image === null) process.stderr.write('Stopped before the first step was done: there is nothing to keep.\n');
  return signalled && outcome.trace?.status === 'stopped' ? exitCodes.stopped : exitCodes.done;
}

async function run(line: CommandLine): Promise<{ outcome: Outcome; signalled: boolean }> {
  const { request, modelFolder, provider, dumpLatents, stopAfter } = line;
  if (dumpLatents !== null) await makeFolder('dump-latents', dumpLatents);
  const outcome: Outcome = { image: null, trace: null, checkpoint: null, failure: null };
  const progress = createProgress(process.stderr);
  const dumps: Promise<void>[] = [];
  const engine = createEngine({
    probeEntry: resolve(here, 'process.ts'),
    warn: (text) => process.stderr.write(`${text}\n`),
    emit: (message) => {
      if (message.kind === 'step') progress.step(message.step);
      if (message.kind === 'checkpoint' && dumpLatents !== null) {
        const { stepsDone, latents } = message.checkpoint;
        const written = writeWhole(stepFile(dumpLatents, stepsDone - 1), npy(latents));
        dumps.push(written.catch((error: unknown) => void (outcome.failure ??= toFailure(error))));
      }
      take(outcome, message);
    },
  });
  const jobId = 'headless';
  let signalled = false;
  const onFirst = (): void => {
    signalled = true;
    void engine.handle({ kind: 'stop', jobId });
  };
  process.on('SIGINT', ctrlC(onFirst, () => process.exit(exitCodes.stopped)));
  await engine.generate(
    { kind: 'generate', jobId, request, modelFolder, provider, previewMode: 'off', paceMs: 0 },
    stopAfter === null ? [] : [interruptAfterStep(stopAfter - 1)],
  );
  progress.end();
  await Promise.all(dumps);
  if (outcome.trace?.status === 'stopped' && outcome.checkpoint !== null) {
    const latents = outcome.checkpoint.cleanEstimate;
    const begun = performance.now();
    await engine.handle({ kind: 'decode', jobId, latents, modelFolder, provider });
    outcome.trace = withDecode(outcome.trace, performance.now() - begun);
  }
  return { outcome, signalled };
}

function withDecode(trace: RunTrace, decode: number): RunTrace {
  return { ...trace, timingsMs: { ...trace.timingsMs, decode, total: trace.timingsMs.total + decode } };
}

function take(outcome: Outcome, message: EngineMessage): void {
  switch (message.kind) {
    case 'checkpoint':
      outcome.checkpoint = message.checkpoint;
      break;
    case 'finished':
      outcome.image = message.image;
      outcome.trace = message.trace;
      break;
    case 'stopped':
      outcome.trace = message.trace;
      break;
    case 'decoded':
      outcome.image = message.image;
      break;
    case 'failed':
      outcome.failure = message.failure;
      break;
    default:
      break;
  }
}

async function writePicture({ request, out, modelFolder }: CommandLine, outcome: Outcome, image: RgbImage): Promise<void> {
  const { trace, checkpoint } = outcome;
  const stepsDone = trace?.stepsDone ?? 0;
  const text = formatInfotext({
    request,
    modelName: await readModelName(modelFolder),
    modelHash: checkpoint?.modelHash ?? null,
    stepsDone,
    numTimesteps: trace?.numTimesteps ?? stepsDone,
    version: manifest.version,
  });
  await writeWhole(out, await encodePng(image, [{ keyword: 'parameters', text }]));
  const seconds = ((trace?.timingsMs.total ?? 0) / 1000).toFixed(1);
  process.stdout.write(
    `${out}: ${stepsDone} of ${trace?.numTimesteps ?? stepsDone} steps, ${trace?.unetEvaluationsTotal ?? 0} UNet evaluations ` +
      `(${trace?.unetEvaluationsSaved ?? 0} saved), seed ${request.seed}, ${trace?.provider ?? 'cpu'}, ${seconds} s\n`,
  );
}

function reportFailure({ code, message, field, nextStep, detail }: Failure): number {
  const option = field === undefined ? '' : `--${optionOfField[field] ?? field}: `;
  const text = field === undefined ? message : message.replace(`${field}: `, '');
  process.stderr.write(`${option}${text}${nextStep === undefined ? '' : ` ${nextStep}`}\n`);
  if (detail !== undefined && code !== 'INVALID_INPUT') process.stderr.write(`${detail}\n`);
  if (code === 'INVALID_INPUT') return exitCodes.arguments;
  const ofModel = code.startsWith('MODEL_') || code === 'PROVIDER_UNAVAILABLE' || code === 'OUT_OF_MEMORY';
  return ofModel ? exitCodes.model : exitCodes.failed;
}

async function guardedMain(): Promise<number> {
  try {
    return await main(process.argv.slice(2));
  } catch (error) {
    if (!(error instanceof ArgumentError)) return reportFailure(toFailure(error));
    process.stderr.write(`${error.message}\nSee --help.\n`);
    return exitCodes.arguments;
  }
}

// A reader that has gone (`| head`) costs its lines, not the picture.
for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined);
process.exitCode = await guardedMain();
