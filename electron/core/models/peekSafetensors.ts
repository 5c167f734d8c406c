import { open } from 'node:fs/promises';

/** What a .safetensors file is for, by the names of its tensors. */
export type WeightsKind = 'model' | 'lora' | 'embedding' | 'vae' | 'controlnet' | 'part' | 'damaged';

/** A longer header is none of a model this app runs; the engine's reader has the last word. */
const mostHeaderBytes = 16 * 2 ** 20;

/**
 * A first look, so that a LoRA is not offered as a model; the file is checked strictly when it is opened.
 * @throws what the system says when it cannot be read.
 */
export async function peekSafetensors(file: string): Promise<WeightsKind> {
  const handle = await open(file, 'r');
  try {
    const { size } = await handle.stat();
    const start = Buffer.alloc(8);
    const { bytesRead } = await handle.read(start, 0, 8, 0);
    const headerBytes = bytesRead === 8 ? start.readBigUInt64LE() : 0n;
    if (headerBytes < 2n || headerBytes > BigInt(Math.max(0, size - 8))) return 'damaged';
    const header = Buffer.alloc(Math.min(Number(headerBytes), mostHeaderBytes));
    const read = await handle.read(header, 0, header.length, 8);
    const text = header.toString('utf8', 0, read.bytesRead);
    return text.startsWith('{') ? kindOf(text) : 'damaged';
  } finally {
    await handle.close();
  }
}

/** Key names of the trainers and exporters; the first that fits. */
const signs: readonly (readonly [WeightsKind, RegExp])[] = [
  ['controlnet', /"(control_model\.|input_hint_block\.|controlnet_)/],
  ['lora', /"[^"]*(lora_(up|down|A|B|mid)[."]|\.lora\.(up|down)\.|hada_w1_a|lokr_w1|oft_blocks|oft_diag)/],
  ['model', /"(model\.diffusion_model\.|cond_stage_model\.|conditioner\.embedders\.)/],
  ['embedding', /"(emb_params|string_to_param|clip_l|clip_g)"/],
  ['vae', /"(first_stage_model\.)?(encoder|decoder)\.(conv_in|down|up|mid)[._]/],
  ['part', /"(down_blocks\.|text_model\.|conv_in\.|time_embedding\.)/],
];

function kindOf(header: string): WeightsKind {
  return signs.find(([, pattern]) => pattern.test(header))?.[0] ?? 'model';
}
