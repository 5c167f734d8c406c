import { parentPort, workerData } from 'node:worker_threads';
import { Interpreter } from './interpreter.ts';
import type { SandboxLimits } from './limits.ts';
import type { SandboxAnswer, SandboxMessage, SandboxRequest } from './protocol.ts';

/** The thread a callback of the user's own lives in: an interpreter, and nothing that is worth having beside it. */

const port = parentPort;
if (port === null) throw new Error('This module is started as a thread.');

const post = (message: SandboxMessage): void => {
  const buffers = message.kind === 'stepped' ? message.tensors.map(({ data }) => data.buffer) : [];
  port.postMessage(message, buffers);
};

const answer = (interpreter: Interpreter, request: SandboxRequest): SandboxAnswer =>
  request.kind === 'load' ? interpreter.load(request) : interpreter.step(request);

const interpreter = await Interpreter.create(workerData as SandboxLimits);
port.on('message', (request: SandboxRequest) => post(answer(interpreter, request)));
post({ kind: 'ready' });
