/** What a file is to a model: only the first three are ever fetched. */
export type FileKind = 'graph' | 'weights' | 'config' | 'unsafe' | 'other';

const configs = /\.(?:json|txt)$/i;
const graphs = /\.onnx$/i;
/** External data of a graph under the names exporters use. */
const weights = /\.onnx_data(?:_\d+)?$|\.data$|\.safetensors$|(?:^|\/)weights\.pb$/i;

const reasons: readonly (readonly [RegExp, string])[] = [
  [/\.(?:bin|ckpt|pt|pth|pkl|pickle|joblib|dill)$/i, 'a pickle can run programs when it is opened'],
  [/\.(?:py|pyc|ipynb|js|mjs|sh|bat|cmd|ps1|rb|pl|lua|jar|vbs)$/i, 'a script'],
  [/\.(?:exe|dll|so|dylib|msi|com|scr|app|node|wasm|elf|deb|rpm|apk)$/i, 'a program'],
  [/\.(?:zip|tar|gz|tgz|7z|rar|xz|zst|bz2)$/i, 'an archive'],
  [/\.(?:h5|keras|pb|msgpack|npy|npz|gguf|ggml|mlmodel|mlpackage|tflite|engine|plan|trt|ort)$/i, 'weights of another runtime'],
];

export function fileKind(path: string): FileKind {
  if (graphs.test(path)) return 'graph';
  if (weights.test(path)) return 'weights';
  if (configs.test(path)) return 'config';
  return refusalOf(path) === null ? 'other' : 'unsafe';
}

/** Why a file is left aside that somebody might expect; null for pictures, notes and the like. */
export function refusalOf(path: string): string | null {
  if (graphs.test(path) || weights.test(path) || configs.test(path)) return null;
  return reasons.find(([pattern]) => pattern.test(path))?.[1] ?? null;
}
