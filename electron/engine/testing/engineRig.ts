import { plainUse, type Checkpoint, type EngineMessage } from '../../../shared/engineProtocol.ts';
import { type GenerationRequest, parseGenerationRequest } from '../../../shared/generation.ts';
import type { StepCallback } from '../callbacks/callback.ts';
import { createEngine, type Engine } from '../engine.ts';
import type { GenerateCommand } from '../generation.ts';

export const tinyRequest: GenerationRequest = parseGenerationRequest({
  task: 'text-to-image',
  modelId: 'tiny',
  prompt: 'a b ab c',
  negativePrompt: null,
  width: 64,
  height: 64,
  steps: 10,
  guidanceScale: 5,
  guidanceEnd: { kind: 'never' },
  scheduler: 'euler',
  seed: '42',
});

export interface Rig {
  readonly engine: Engine;
  readonly messages: EngineMessage[];
  generate(change?: Partial<GenerateCommand>, callbacks?: readonly StepCallback[]): Promise<EngineMessage[]>;
}

/** An engine on the CPU that keeps what it says. */
export function createRig(modelFolder: string, onMessage: (message: EngineMessage) => void = () => undefined): Rig {
  const messages: EngineMessage[] = [];
  const engine = createEngine({
    emit: (message) => {
      messages.push(message);
      onMessage(message);
    },
    // The CPU is not probed.
    probeEntry: '',
    warn: () => undefined,
  });
  return {
    engine,
    messages,
    async generate(change = {}, callbacks = []) {
      const start = messages.length;
      const command: GenerateCommand = {
        kind: 'generate',
        jobId: 'job',
        request: tinyRequest,
        inputs: null,
        modelFolder,
        provider: 'cpu',
        ...plainUse,
        previewMode: 'off',
        paceMs: 0,
        ...change,
      };
      await engine.generate(command, callbacks);
      return messages.slice(start);
    },
  };
}

type MessageOf<K extends EngineMessage['kind']> = Extract<EngineMessage, { kind: K }>;

export function ofKind<K extends EngineMessage['kind']>(messages: readonly EngineMessage[], kind: K): MessageOf<K>[] {
  return messages.filter((message): message is MessageOf<K> => message.kind === kind);
}

export function checkpointsOf(messages: readonly EngineMessage[]): Checkpoint[] {
  return ofKind(messages, 'checkpoint').map(({ checkpoint }) => checkpoint);
}
