/** Weights that are a program for Python's unpickler. */
const pickles = /\.(ckpt|pt|pth|pkl|pickle|bin)$/i;

export const pickleReason = 'A pickle can run programs when it is opened.';

export function isPickle(name: string): boolean {
  return pickles.test(name);
}

export function isSafetensors(name: string): boolean {
  return /\.safetensors$/i.test(name);
}

export function isOnnx(name: string): boolean {
  return /\.onnx$/i.test(name);
}

/** Graphs, weights beside graphs, configs, tokenizers. */
export function isModelFile(name: string): boolean {
  return isOnnx(name) || isSafetensors(name) || isExternalData(name) || /\.(json|txt)$/i.test(name);
}

/** What exporters call the weights beside a graph. */
export function isExternalData(name: string): boolean {
  return /(^weights\.pb$|\.onnx[._]data|\.onnx\.data$|_data$)/i.test(name);
}
