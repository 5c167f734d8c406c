import { snippetCompletion, type Completion, type CompletionContext, type CompletionResult } from '@codemirror/autocomplete';
import { membersOf, tensorNames, type TypeWord } from './typeWords.ts';

const asCompletion = (kind: string) => ({ label, type, doc }: TypeWord): Completion => ({ label, detail: type, info: doc, type: kind });

const run = membersOf('Run').map(asCompletion('property'));
const tensor = membersOf('Tensor').map(asCompletion('property'));
const patch = membersOf('Patch').map(asCompletion('property'));
const names = tensorNames();
const tensors = names.map((label): Completion => ({ label, detail: 'Tensor', type: 'variable' }));

const frame = snippetCompletion('function callbackOnStepEnd(run, stepIndex, timestep, tensors) {\n\t${}\n}\n', {
  label: 'callbackOnStepEnd',
  detail: '(run, stepIndex, timestep, tensors) => Patch',
  type: 'function',
});
const top: readonly Completion[] = [
  frame,
  snippetCompletion("const callbackOnStepEndTensorInputs = ['${latents}'];\n", { label: 'callbackOnStepEndTensorInputs', detail: 'TensorName[]', type: 'constant' }),
  { label: 'run', detail: 'Run', type: 'variable' },
  { label: 'stepIndex', detail: 'number', info: '0-based', type: 'variable' },
  { label: 'timestep', detail: 'number', type: 'variable' },
  { label: 'tensors', detail: '{ [name]: Tensor }', type: 'variable' },
  { label: 'console.log', detail: '(...values) => void', type: 'function' },
];

function optionsAt(before: string): readonly Completion[] | null {
  if (/\brun\s*\??\.\s*$/.test(before)) return run;
  if (/\btensors\s*\??\.\s*$/.test(before)) return tensors;
  if (new RegExp(`\\b(?:${names.join('|')}|cleanEstimate)\\s*\\??\\.\\s*$`).test(before)) return tensor;
  // Any other object is not known here.
  if (/\.\s*$/.test(before)) return null;
  if (/callbackOnStepEndTensorInputs\s*=\s*\[[^\]]*['"]$/.test(before)) return tensors;
  if (/['"`]$/.test(before)) return null;
  if (/\btensors\s*:\s*\{[^{}]*$/.test(before)) return tensors;
  if (/\breturn\s*\(?\{[^{}]*$/.test(before)) return patch;
  if (/\bfunction\s+callbackOnStepEnd\s*\(\s*\{[^}]*$/.test(before)) return run;
  if (/\bfunction\s+callbackOnStepEnd\s*\([^)]*,\s*\{[^}]*$/.test(before)) return tensors;
  return top;
}

/** What can be written where the cursor is: the facts of a step, tensors, and what may be returned. */
export function callbackCompletions(context: CompletionContext): CompletionResult | null {
  const word = context.matchBefore(/\w*/);
  const from = word?.from ?? context.pos;
  const before = context.state.sliceDoc(Math.max(0, from - 400), from);
  const isMember = /[.'"]\s*$/.test(before);
  if (!context.explicit && !isMember && from === context.pos) return null;
  const options = optionsAt(before);
  return options === null ? null : { from, options, validFor: /^\w*$/ };
}
