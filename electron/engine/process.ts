import os from 'node:os';
import type { EngineCommand, EngineMessage } from '../../shared/engineProtocol.ts';
import { cacheVariable, createEngine } from './engine.ts';
import { probeArgument, runProbe } from './ort/probe.ts';
import { answerSelfTest } from './ort/selfTestCommand.ts';
import { runtimeVersion } from './ort/session.ts';
import { runVariantProbe, variantArgument } from './ort/variantProbe.ts';

/** The part of Electron's `process.parentPort` that is used. */
interface ParentPort {
  postMessage(message: unknown): void;
  on(event: 'message', listener: (event: { readonly data: unknown }) => void): void;
}

interface Parent {
  send(message: unknown): void;
  onMessage(listener: (message: unknown) => void): void;
}

/** Electron's port in a utility process, else Node's own channel. */
function connectParent(): Parent | null {
  const port = (process as { parentPort?: ParentPort }).parentPort;
  if (port !== undefined) {
    return {
      send: (message) => port.postMessage(message),
      onMessage: (listener) => port.on('message', ({ data }) => listener(data)),
    };
  }
  if (process.send === undefined) return null;
  // No parent, no purpose: a run in progress would go on for nobody.
  process.on('disconnect', () => process.exit(0));
  return {
    // A message that meets a closed channel is for nobody either.
    send: (message) => process.send?.(message, () => undefined),
    onMessage: (listener) => process.on('message', listener),
  };
}

/** The engine takes all the processor it can get, but after the interface: on an idle machine it loses nothing by it. */
function giveWay(): void {
  try {
    os.setPriority(os.constants.priority.PRIORITY_BELOW_NORMAL);
  } catch {
    // Not allowed here: then as an equal.
  }
}

function serve(parent: Parent): void {
  giveWay();
  const engine = createEngine({
    emit: (message: EngineMessage) => parent.send(message),
    probeEntry: process.argv[1] ?? '',
    warn: (text) => process.stderr.write(`${text}\n`),
  });
  parent.onMessage((message) => {
    // The host checks what it sends and is of the same build; still no message may end a run that goes on.
    try {
      const command = message as EngineCommand;
      // Sessions need no release before the end.
      if (command.kind === 'shutdown') process.exit(0);
      if (command.kind === 'self-test') {
        void answerSelfTest(command, process.env[cacheVariable] ?? null).then((message) => parent.send(message));
        return;
      }
      void engine.handle(command);
    } catch (error) {
      process.stderr.write(`A message was dropped: ${String(error)}\n`);
    }
  });
  parent.send({ kind: 'ready', runtimeVersion } satisfies EngineMessage);
}

const parent = connectParent();
const provider = probeArgument(process.argv);
if (provider !== null) {
  const variant = variantArgument(process.argv);
  const report = variant === null ? await runProbe(provider) : await runVariantProbe(provider, variant);
  // Leaving at once would drop a message that is still in the pipe.
  if (process.send === undefined) process.exit(1);
  process.send(report, () => process.exit(0));
} else if (parent === null) {
  process.stderr.write('The engine is started by Stopbath, not by hand. For pictures: npm run generate -- --help\n');
  process.exitCode = 2;
} else {
  serve(parent);
}
