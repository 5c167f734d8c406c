export interface CallbackExample {
  readonly id: string;
  /** English; the interface has its own. */
  readonly title: string;
  readonly source: string;
}

/** Callbacks to begin with: those of the guide beside `callbacks/`, in the form a person writes them in the app. */
export const callbackExamples: readonly CallbackExample[] = [
  {
    id: 'dynamic-cfg',
    title: 'Guidance off after 40 % of the steps',
    source: `const callbackOnStepEndTensorInputs = [];

function callbackOnStepEnd(run, stepIndex) {
  if (stepIndex !== Math.trunc(run.numTimesteps * 0.4)) return;
  return { guidanceScale: 0 };
}
`,
  },
  {
    id: 'stop-after-ten',
    title: 'Stop after ten steps',
    source: `const callbackOnStepEndTensorInputs = [];

// The tenth step is number 9.
function callbackOnStepEnd(run, stepIndex) {
  return { interrupt: stepIndex === 9 };
}
`,
  },
  {
    id: 'stop-when-settled',
    title: 'Stop once the picture has settled',
    source: `const callbackOnStepEndTensorInputs = [];
const threshold = 0.01;

// After three steps in a row that hardly changed the estimate of the finished picture.
function callbackOnStepEnd(run) {
  const isCalm = run.estimateChange !== null && run.estimateChange < threshold;
  run.state.calm = isCalm ? (run.state.calm ?? 0) + 1 : 0;
  return { interrupt: run.state.calm >= 3 };
}
`,
  },
  {
    id: 'show-each-step',
    title: 'Mean colour of each step',
    source: `const callbackOnStepEndTensorInputs = [];

// SDXL's latents as red, green and blue.
const factors = [
  [60, -60, 25, -70],
  [60, -5, 15, -50],
  [60, 10, -5, -35],
];
const biases = [150, 140, 130];

function callbackOnStepEnd(run, stepIndex) {
  const { dims, data } = run.cleanEstimate;
  const area = dims[2] * dims[3];
  const means = [0, 1, 2, 3].map((channel) => {
    let sum = 0;
    for (let i = channel * area; i < (channel + 1) * area; i++) sum += data[i];
    return sum / area;
  });
  const rgb = factors.map((shares, colour) => Math.round(shares.reduce((sum, share, channel) => sum + share * means[channel], biases[colour])));
  console.log('step', stepIndex + 1, 'rgb', rgb.join(' '));
}
`,
  },
  {
    id: 'fade-prompt',
    title: 'From the prompt to the negative prompt',
    source: `const callbackOnStepEndTensorInputs = ['prompt_embeds', 'negative_prompt_embeds'];

// An equal part of the way at every step: what is left of it is divided by the steps that are left.
function callbackOnStepEnd(run, stepIndex, timestep, { prompt_embeds, negative_prompt_embeds }) {
  const left = run.numTimesteps - stepIndex;
  const target = negative_prompt_embeds.data;
  const data = prompt_embeds.data.map((value, i) => value + (target[i] - value) / left);
  return { tensors: { prompt_embeds: { dims: prompt_embeds.dims, data } } };
}
`,
  },
  {
    id: 'weight-prompt',
    title: 'A stronger prompt from step 5 on',
    source: `const callbackOnStepEndTensorInputs = ['prompt_embeds', 'negative_prompt_embeds'];
const fromStep = 5;
const weight = 1.3;

function callbackOnStepEnd(run, stepIndex, timestep, { prompt_embeds, negative_prompt_embeds }) {
  if (stepIndex + 1 !== fromStep) return;
  const empty = negative_prompt_embeds.data;
  const data = prompt_embeds.data.map((own, i) => empty[i] + (own - empty[i]) * weight);
  return { tensors: { prompt_embeds: { dims: prompt_embeds.dims, data } } };
}
`,
  },
  {
    id: 'free-mask',
    title: 'Inpainting: free the whole picture after 80 % of the steps',
    source: `const callbackOnStepEndTensorInputs = ['mask'];

function callbackOnStepEnd(run, stepIndex, timestep, { mask }) {
  if (stepIndex !== Math.trunc(run.numTimesteps * 0.8)) return;
  return { tensors: { mask: { dims: mask.dims, data: mask.data.map(() => 1) } } };
}
`,
  },
  {
    id: 'cosine-guidance',
    title: 'Guidance from 7.5 down to 2 along a cosine',
    source: `const callbackOnStepEndTensorInputs = [];
const from = 7.5;
const to = 2;

function callbackOnStepEnd(run, stepIndex) {
  // It speaks for the step to come.
  const share = Math.min(1, (stepIndex + 1) / (run.numTimesteps - 1));
  return { guidanceScale: from + ((to - from) * (1 - Math.cos(Math.PI * share))) / 2 };
}
`,
  },
  {
    id: 'guidance-interval',
    title: 'Guidance between two noise levels only',
    source: `const callbackOnStepEndTensorInputs = [];
const scale = 7.5;

// arXiv 2404.07724
function callbackOnStepEnd({ nextSigma }) {
  if (nextSigma === null) return;
  return { guidanceScale: nextSigma >= 0.3 && nextSigma <= 5 ? scale : 1 };
}
`,
  },
  {
    id: 'grain',
    title: 'A little noise, the same for the same seed',
    source: `// Math.random begins anew at every step, from the run's seed.
function callbackOnStepEnd(run, stepIndex, timestep, { latents }) {
  if (run.nextSigma === null) return;
  const amount = 0.02 * run.nextSigma;
  // The sum of three is close to normal, with a variance of 1/4.
  const data = latents.data.map((value) => value + amount * 2 * (Math.random() + Math.random() + Math.random() - 1.5));
  return { tensors: { latents: { dims: latents.dims, data } } };
}
`,
  },
];
