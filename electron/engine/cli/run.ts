import { randomBytes } from 'node:crypto';
import { dirname, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import manifest from '../../../package.json' with { type: 'json' };
import { type ModelUse, plainUse, type Checkpoint, type EngineMessage, type RgbImage } from '../../../shared/engineProtocol.ts';
import { type Failure, toFailure } from '../../../shared/errors.ts';
import { formatInfotext, imageSeed } from '../../../shared/infotext.ts';
import type { RunTrace } from '../../../shared/job.ts';
import { encodePng } from '../../media/png.ts';
import { interruptAtStep } from '../callbacks/interruptAtStep.ts';
import { createEngine } from '../engine.ts';
import { readRecord } from '../graph/checkpointRecord.ts';
import { readModelName } from '../pipelines/modelFolder.ts';
import { type CommandLine, readCommandLine } from './args.ts';
import { ctrlC } from './ctrlC.ts';
import { readDefaults } from './defaults.ts';
import { makeFolder, npy, requireWritable, stepFile, writeWhole } from './files.ts';
import { chooseModel } from './model.ts';
import { embeddingsUsed, lorasUsed, readLoras } from './loras.ts';
import { parseOptions, usage } from './options.ts';
import { type Pictures, readPictures } from './pictures.ts';
import { createProgress } from './progress.ts';
import { exitCodes, reportOf, reportOfThrown } from './report.ts';
import { readSteering } from './steering.ts';

const here = dirname(fileURLToPath(import.meta.url));

/** Where the command line speaks; `process` is one. */
export interface Streams {
  readonly stdout: Pick<NodeJS.WriteStream, 'write'>;
  readonly stderr: Pick<NodeJS.WriteStream, 'write' | 'isTTY'>;
}

/** What a run left behind. */
interface Outcome {
  images: readonly RgbImage[];
  trace: RunTrace | null;
  checkpoint: Checkpoint | null;
  failure: Failure | null;
}

/** Runs one command line from its arguments to its files. @returns the exit code; errors are written, never thrown. */
export async function runCommandLine(argv: readonly string[], streams: Streams): Promise<number> {
  try {
    return await main(argv, streams);
  } catch (error) {
    const { text, exitCode } = reportOfThrown(error);
    streams.stderr.write(text);
    return exitCode;
  }
}

async function main(argv: readonly string[], streams: Streams): Promise<number> {
  const given = parseOptions(argv);
  if (given.help === true) {
    streams.stdout.write(usage);
    return exitCodes.done;
  }
  const { folder: modelFolder, notes: modelNotes } = await chooseModel(given, process.env);
  const pictures = await readPictures(given);
  const randomSeed = String(randomBytes(4).readUInt32LE());
  const listed = await readLoras(given);
  const line = readCommandLine(given, { modelFolder, defaults: await readDefaults(modelFolder), pictures, randomSeed, steering: await readSteering(given), loras: listed });
  const adapters = { loras: await lorasUsed(line.request, listed, given), embeddings: await embeddingsUsed(line.request, given) };
  for (const file of line.outs) await requireWritable('out', file);
  if (line.trace !== null) await requireWritable('trace', line.trace);
  for (const note of [...modelNotes, ...line.notes]) streams.stderr.write(`${note}\n`);
  const { outcome, signalled } = await run(line, pictures, adapters, streams);
  // Whatever else has failed, what there is is kept; the pictures first.
  await writePictures(line, outcome, streams);
  if (outcome.trace !== null && line.trace !== null) {
    await writeWhole(line.trace, `${JSON.stringify(outcome.trace, null, 2)}\n`);
  }
  if (outcome.failure !== null) {
    const { text, exitCode } = reportOf(outcome.failure);
    streams.stderr.write(text);
    return exitCode;
  }
  if (outcome.images.length === 0) streams.stderr.write('Stopped before the first step was done: there is nothing to keep.\n');
  return signalled && outcome.trace?.status === 'stopped' ? exitCodes.stopped : exitCodes.done;
}

const jobId = 'headless';

async function run(
  line: CommandLine,
  pictures: Pictures | null,
  adapters: Pick<ModelUse, 'loras' | 'embeddings'>,
  { stderr }: Streams,
): Promise<{ outcome: Outcome; signalled: boolean }> {
  const { request, modelFolder, provider, dumpLatents, stopAfter } = line;
  const inputs = pictures?.inputs ?? null;
  if (dumpLatents !== null) await makeFolder('dump-latents', dumpLatents);
  const outcome: Outcome = { images: [], trace: null, checkpoint: null, failure: null };
  const progress = createProgress(stderr);
  const dumps: Promise<void>[] = [];
  const engine = createEngine({
    probeEntry: resolve(here, '../process.ts'),
    warn: (text) => stderr.write(`${text}\n`),
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
  let signalled = false;
  const onSignal = ctrlC(
    () => {
      signalled = true;
      void engine.handle({ kind: 'stop', jobId });
    },
    () => process.exit(exitCodes.stopped),
  );
  process.on('SIGINT', onSignal);
  await engine.generate(
    { kind: 'generate', jobId, request, inputs, modelFolder, provider, ...plainUse, ...adapters, previewMode: 'off', paceMs: 0 },
    stopAfter === null ? [] : [interruptAtStep({ steps: stopAfter })],
  );
  progress.end();
  await Promise.all(dumps);
  if (outcome.trace?.status === 'stopped' && outcome.checkpoint !== null) {
    const latents = outcome.checkpoint.cleanEstimate;
    const begun = performance.now();
    await engine.handle({ kind: 'decode', jobId, latents, request, inputs, modelFolder, provider, ...plainUse, ...adapters });
    outcome.trace = withDecode(outcome.trace, performance.now() - begun);
  }
  process.off('SIGINT', onSignal);
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
      outcome.images = message.images;
      outcome.trace = message.trace;
      break;
    case 'stopped':
      outcome.trace = message.trace;
      break;
    case 'decoded':
      outcome.images = message.images;
      break;
    case 'failed':
      outcome.failure = message.failure;
      break;
    default:
      break;
  }
}

async function writePictures({ request, outs, modelFolder }: CommandLine, outcome: Outcome, { stdout }: Streams): Promise<void> {
  const { images, trace, checkpoint } = outcome;
  if (images.length === 0) return;
  const stepsDone = trace?.stepsDone ?? 0;
  const numTimesteps = trace?.numTimesteps ?? stepsDone;
  const modelName = await readModelName(modelFolder);
  const checkpointFile = await readRecord(modelFolder);
  const seconds = ((trace?.timingsMs.total ?? 0) / 1000).toFixed(1);
  for (const [batchIndex, image] of images.entries()) {
    const out = outs[batchIndex];
    if (out === undefined) throw new RangeError(`${images.length} pictures came for ${outs.length} files`);
    // Of a checkpoint people know the hash of the whole file; what tells its graphs apart would look like another model's.
    const modelHash = checkpointFile === null ? (checkpoint?.modelHash ?? null) : checkpointFile.sha256;
    const text = formatInfotext({ request, batchIndex, modelName, modelHash, stepsDone, numTimesteps, version: manifest.version });
    await writeWhole(out, await encodePng(image, [{ keyword: 'parameters', text }]));
    stdout.write(
      `${out}: ${stepsDone} of ${numTimesteps} steps, ${trace?.unetEvaluationsTotal ?? 0} UNet evaluations ` +
        `(${trace?.unetEvaluationsSaved ?? 0} saved), seed ${imageSeed(request, batchIndex)}, ${trace?.provider ?? 'cpu'}, ${seconds} s\n`,
    );
  }
}
