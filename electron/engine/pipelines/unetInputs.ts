import type { ModelSession, TensorSpec } from '../tensor/modelSession.ts';

/** optimum's names of a UNet's inputs, and those other exporters give the same thing. */
const names = {
  sample: ['sample', 'latent_model_input', 'latents', 'latent', 'x'],
  timestep: ['timestep', 'timesteps', 't'],
  encoder_hidden_states: ['encoder_hidden_states', 'prompt_embeds', 'text_embeddings', 'context'],
  text_embeds: ['text_embeds', 'added_cond_kwargs.text_embeds', 'add_text_embeds', 'pooled_prompt_embeds'],
  time_ids: ['time_ids', 'added_cond_kwargs.time_ids', 'add_time_ids'],
  timestep_cond: ['timestep_cond', 'guidance_embedding'],
} as const;
export type UnetInput = keyof typeof names;

/** The inputs of a UNet by optimum's names: by their own, or by the only one of its rank. */
export function unetInputs({ inputs }: Pick<ModelSession, 'inputs'>): Partial<Record<UnetInput, TensorSpec>> {
  const found: Partial<Record<UnetInput, TensorSpec>> = {};
  for (const [input, own] of Object.entries(names) as [UnetInput, readonly string[]][]) {
    const spec = inputs.find(({ name }) => own.includes(name));
    if (spec !== undefined) found[input] = spec;
  }
  const ranks: readonly (readonly [UnetInput, readonly number[]])[] = [
    ['sample', [4]],
    ['encoder_hidden_states', [3]],
    ['timestep', [0, 1]],
  ];
  for (const [input, sides] of ranks) {
    const taken = Object.values(found);
    const open = inputs.filter((spec) => sides.includes(spec.dims.length) && !taken.includes(spec));
    const [only] = open;
    if (found[input] === undefined && open.length === 1 && only !== undefined) found[input] = only;
  }
  return found;
}
