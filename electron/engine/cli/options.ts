import { parseArgs } from 'node:util';
import { maxBatch, maxSteps, promptSyntaxes, providerIds } from '../../../shared/generation.ts';
import { schedulerIds, sigmaScheduleIds, timestepSpacingIds } from '../../../shared/samplers.ts';

/** Names in rows that fit behind the option column. */
function names(list: readonly string[], perRow: number): string {
  const rows: string[] = [];
  for (let at = 0; at < list.length; at += perRow) rows.push(list.slice(at, at + perRow).join(' | '));
  return rows.join(` |\n${' '.repeat(32)}`);
}

export const usage = `Usage: npm run -s generate -- --prompt TEXT --out FILE.png [options]

What to draw
  --prompt TEXT                 what the picture shows
  --negative TEXT               negative prompt
  --more-prompt TEXT            a further prompt of the same batch; may be given again and again
  --prompt2, --negative2 TEXT   for SDXL's second text encoder; the same as the first when left out
  --syntax NAME                 how brackets are read: ${promptSyntaxes.join(' | ')} (${promptSyntaxes[0]})
  --clip-skip N                 text-encoder layers left out at the end, 0 to 12 (0)
  --width W, --height H         pixels; the model's own size when left out, with --init that of the picture, floored to
                                what the model draws (not with --mask-padding)
  --seed S                      0 to 18446744073709551615; drawn when left out
  --rng NAME                    whose noise a seed stands for: torch-cpu | torch-cuda[:SMS:THREADS] | a1111-nv;
                                torch-cpu when left out; a card of SMS multiprocessors of THREADS threads (82:1536)
  --images N                    pictures for every prompt, at most ${maxBatch} in all: out.png becomes out-1.png, out-2.png ...
  --batch-seeds NAME            per-image: picture i has the noise of seed + i | shared: one stream for all (per-image)

From a picture
  --init FILE                   PNG or JPEG to start from
  --mask FILE                   PNG or JPEG of the same size: white is painted again, black stays
  --strength S                  how far back to noise the picture goes, above 0 to 1 (0.8)
  --mask-padding PX             draw only the surroundings of the mask, PX pixels around it, at full size
  --no-keep-unmasked            do not paste back what lies outside the mask

Sampling
  --steps N                     denoising steps, 1 to ${maxSteps}
  --scheduler NAME              ${names(schedulerIds, 8)};
                                or its AUTOMATIC1111 or ComfyUI name: "DPM++ 2M SDE Karras", euler_ancestral
  --sigma-schedule NAME         ${names(sigmaScheduleIds, 6)};
                                or its AUTOMATIC1111 or ComfyUI name: "SGM Uniform", simple, normal
  --spacing NAME                ${timestepSpacingIds.join(' | ')}
  --eta E                       0 to 1, of ddim and tcd (0)
  --timesteps A,B,C             instead of --steps: the timesteps, falling
  --sigmas A,B,C                instead of --steps: the noise levels, falling
  --denoising-start, --denoising-end R
                                SDXL: begin (with --init) or end at this share of the schedule, between 0 and 1

Guidance
  --guidance G                  guidance scale; 1 or below switches guidance off
  --cfg-cutoff RATIO            guidance ends after step index trunc(steps * RATIO), as in diffusers
  --guided-steps K              exactly the first K steps are guided
  --cfg-evidence COS            guidance ends once both predictions agree: cosine similarity, 0 to 1; 0.995 is usual
  --guidance-curve CURVE        constant | linear:TO | cosine:TO | list:A,B,C (a scale for every step) |
                                points:AT=SCALE,... | smooth-points:AT=SCALE,... (AT is a share of the steps, 0 to 1)
  --guidance-interval LOW:HIGH  guided only while sigma lies between the two
  --guidance-rescale PHI        0 to 1 (0)

Steering
  --steer STEP:FIELD=VALUE      a change after the step with that index (from 0); may be given again and again. Fields:
                                guidanceScale, guidanceRescale, prompt, negativePrompt, noiseSeed,
                                guidanceEnd=never | ratio:R | guided-steps:K | evidence:COS,
                                guidanceCurve, guidanceInterval (none: without), reuse as the options of those names,
                                loras=<lora:name:0.8> (of those the run has from its start; 0 is enough),
                                tail=STEPS[:SAMPLER[:SCHEDULE]] (finish in so many steps from there)
  --steering FILE.json          a steering log, as pictures carry it: [{"afterStep": 5, "steering": {...}}, ...]
  --reuse RULE                  fewer model calls: none | unconditional:EVERY | features:EVERY | steps:THRESHOLD:MOST

Size conditioning of SDXL
  --original-size, --target-size WxH      and --negative-original-size, --negative-target-size
  --crop TOP,LEFT                         and --negative-crop; write --crop=-8,0 for a negative one
  --aesthetic-score N, --negative-aesthetic-score N      0 to 10, of the refiner (6 and 2.5)

Running
  --model PATH                  a .safetensors checkpoint, a diffusers folder, or the folder of an ONNX model; the
                                built-in one when left out
  --vae FILE                    a .safetensors VAE in place of the checkpoint's own
  --prediction NAME             what the checkpoint's UNet predicts, where its file does not tell:
                                epsilon | v_prediction | sample
  --copy                        copy the checkpoint's weights into the cache folder, for one on another disk whose
                                folder cannot be written to
  --lora NAME_OR_PATH[:STRENGTH]
                                a LoRA on the model, -4 to 4 (1); may be given again and again. The same as
                                <lora:name:0.8> in the prompt
  --lora-dir DIR                where names of LoRAs are looked for, its folders too
  --embedding-dir DIR           textual inversion embeddings, called by their name in a prompt (comfy: embedding:name)
  --provider NAME               auto | ${providerIds.join(' | ')}
  --stop-after K                stop at the end of the K-th step and write the clean estimate
  --out FILE.png                the picture
  --dump-latents DIR            write the latents after every step as step_000.npy ...
  --trace FILE.json             write what really happened
  -h, --help                    this text

Ctrl+C stops at the end of the step and keeps what there is.
Exit codes: 0 done, 1 unexpected failure, 2 bad arguments, 3 problem with the model or device, 130 stopped.
`;

const value = { type: 'string' } as const;

const options = {
  prompt: value,
  negative: value,
  'more-prompt': { type: 'string', multiple: true },
  prompt2: value,
  negative2: value,
  syntax: value,
  'clip-skip': value,
  width: value,
  height: value,
  seed: value,
  rng: value,
  images: value,
  'batch-seeds': value,
  init: value,
  mask: value,
  strength: value,
  'mask-padding': value,
  'no-keep-unmasked': { type: 'boolean' },
  steps: value,
  scheduler: value,
  'sigma-schedule': value,
  spacing: value,
  eta: value,
  timesteps: value,
  sigmas: value,
  'denoising-start': value,
  'denoising-end': value,
  guidance: value,
  'cfg-cutoff': value,
  'cfg-evidence': value,
  steer: { type: 'string', multiple: true },
  steering: value,
  reuse: value,
  'guided-steps': value,
  'guidance-curve': value,
  'guidance-interval': value,
  'guidance-rescale': value,
  'original-size': value,
  'target-size': value,
  crop: value,
  'negative-original-size': value,
  'negative-target-size': value,
  'negative-crop': value,
  'aesthetic-score': value,
  'negative-aesthetic-score': value,
  model: value,
  vae: value,
  prediction: value,
  copy: { type: 'boolean' },
  lora: { type: 'string', multiple: true },
  'lora-dir': value,
  'embedding-dir': value,
  provider: value,
  'stop-after': value,
  out: value,
  'dump-latents': value,
  trace: value,
  help: { type: 'boolean', short: 'h' },
} as const;

export const optionNames: readonly string[] = Object.keys(options);

type OptionName = keyof typeof options;
type FlagOption = 'copy' | 'help' | 'no-keep-unmasked';
/** An option that may be given again and again. */
type ListOption = 'more-prompt' | 'steer' | 'lora';
/** An option with one value. */
export type ValueOption = Exclude<OptionName, FlagOption | ListOption>;
export type Given = { readonly [Name in ValueOption]?: string } & { readonly [Name in FlagOption]?: boolean } & {
  readonly [Name in ListOption]?: readonly string[];
};

/** An argument that cannot be used; the message names its option. */
export class ArgumentError extends Error {}

/** @throws ArgumentError for unknown options, values and file names left out, and positional arguments. */
export function parseOptions(argv: readonly string[]): Given {
  const given = parsed(argv);
  for (const name of ['model', 'vae', 'trace', 'dump-latents', 'init', 'mask', 'steering', 'lora-dir', 'embedding-dir'] as const) {
    if (given[name] === '') throw new ArgumentError(`--${name}: the name is empty.`);
  }
  return given;
}

function parsed(argv: readonly string[]): Given {
  try {
    return parseArgs({ args: [...argv], options, allowPositionals: false, strict: true }).values;
  } catch (error) {
    throw new ArgumentError(error instanceof Error ? error.message : String(error));
  }
}
