import type { StopbathError } from '../../../../shared/errors.ts';
import { unsupported } from './refusal.ts';

/** What a file is by its first bytes where it is no safetensors file. */
type Format = 'zip' | 'pickle' | 'gguf' | 'hdf5' | 'page' | 'lfs' | 'gzip' | '7z' | 'rar';

const signatures: readonly (readonly [Format, string])[] = [
  ['zip', 'PK\u0003\u0004'],
  ['gguf', 'GGUF'],
  ['hdf5', '\u0089HDF'],
  ['lfs', 'version https://git-lfs'],
  ['gzip', '\u001f\u008b\u0008'],
  ['7z', '7z\u00bc\u00af'],
  ['rar', 'Rar!'],
];

/** Endings of PyTorch files. */
const pickleEnding = /\.(ckpt|pt|pth|bin|pkl)$/i;

/** Bytes of a file's beginning that {@link otherFormat} looks at. */
export const headBytes = 64;

/**
 * Why a file is not even tried as safetensors.
 * @param name of the file, for the sentence
 * @param head its first {@link headBytes} bytes, or fewer
 * @returns null for what may be a safetensors file
 */
export function otherFormat(name: string, head: Buffer): StopbathError | null {
  const format = formatOf(head);
  if (format === 'zip' || format === 'pickle' || (format === null && pickleEnding.test(name))) return pickled(name, format);
  return format === null ? null : refusals[format](name);
}

function formatOf(head: Buffer): Format | null {
  const text = head.toString('latin1');
  const found = signatures.find(([, signature]) => text.startsWith(signature));
  if (found !== undefined) return found[0];
  // Pickle protocols 2 to 5 begin with PROTO; a length of that size would be 640 bytes or more of another high byte.
  if (head[0] === 0x80 && (head[1] ?? 0) >= 2 && (head[1] ?? 9) <= 5 && head[8] !== 0x7b) return 'pickle';
  return /^\s*<(?:!doctype|html|\?xml)/i.test(text) ? 'page' : null;
}

/** A line that reads nothing but tensors (`weights_only`) and writes them as safetensors. */
export const conversion =
  'python -c "import sys, torch, safetensors.torch as s; w = torch.load(sys.argv[1], map_location=\'cpu\', weights_only=True); ' +
  "w = w.get('state_dict', w); s.save_file({k: v.contiguous().clone() for k, v in w.items() if torch.is_tensor(v)}, sys.argv[2])\" " +
  'model.ckpt model.safetensors';

function pickled(name: string, format: Format | null): StopbathError {
  const isDisguised = format !== null && /\.(safetensors|sft)$/i.test(name);
  return unsupported(
    `${name} is a PyTorch pickle${isDisguised ? ', whatever its name says' : ''}: opening such a file can run any program in it, so it is never opened.`,
    'Download the .safetensors version of the model, or convert the file yourself where you trust it; the command is in the details.',
    conversion,
  );
}

const archive = (name: string, kind: string) =>
  unsupported(`${name} is a ${kind} archive.`, 'Unpack it first and open the .safetensors file inside.');

const refusals: Readonly<Record<Exclude<Format, 'zip' | 'pickle'>, (name: string) => StopbathError>> = {
  gguf: (name) =>
    unsupported(`${name} is a GGUF file: its weights are quantised in blocks, which cannot be read in place.`, 'Open the fp16 .safetensors version of the model.'),
  hdf5: (name) => unsupported(`${name} is an HDF5 file, as TensorFlow writes them.`, 'Open the .safetensors version of the model.'),
  page: (name) => unsupported(`${name} is a web page, not a model: the download was answered by a site.`, 'Download the file again; some sites want you to be signed in.'),
  lfs: (name) => unsupported(`${name} is a Git LFS pointer, not the model itself.`, 'Run "git lfs pull" in that folder, or download the file from its page.'),
  gzip: (name) => archive(name, 'gzip'),
  '7z': (name) => archive(name, '7-Zip'),
  rar: (name) => archive(name, 'RAR'),
};
