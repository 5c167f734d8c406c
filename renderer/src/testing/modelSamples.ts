import type { DoctorReport, Download, NetworkEntry, Offer } from '../../../shared/models.ts';

export function offer(change: Partial<Offer> = {}): Offer {
  return {
    source: { kind: 'hub', repo: 'someone/landscapes', revision: '0123456789abcdef' },
    title: 'landscapes',
    license: 'openrail',
    gated: false,
    variants: [
      { id: 'fp16', label: 'ONNX, half precision', origin: 'onnx', bytes: 2e9, bytesHere: 5e8, files: [{ path: 'unet/model.onnx', bytes: 2e9 }], memoryBytes: 3e9 },
      { id: 'fp32', label: 'ONNX, full precision', origin: 'onnx', bytes: 4e9, bytesHere: 0, files: [], memoryBytes: null },
    ],
    refused: [],
    diskFree: 3e9,
    ...change,
  };
}

export function download(change: Partial<Download> = {}): Download {
  return {
    id: 'd',
    repo: 'someone/landscapes',
    revision: '0123456789abcdef',
    variant: 'fp16',
    title: 'landscapes',
    state: 'running',
    bytesDone: 5e8,
    bytesTotal: 2e9,
    bytesPerSecond: 1e7,
    file: 'unet/model.onnx',
    failure: null,
    modelId: null,
    ...change,
  };
}

export function report(modelId: string, change: Partial<DoctorReport> = {}): DoctorReport {
  return {
    modelId,
    at: 0,
    provider: 'cpu',
    usable: true,
    findings: [
      { severity: 'fine', part: 'unet', code: 'PART_FINE', message: 'unet: 15 MB, ONNX opset 17.', remedy: '' },
      { severity: 'note', part: 'text_encoder', code: 'CLIP_SKIP_MISSING', message: 'The text encoder was exported with its last layer only.', remedy: '' },
      { severity: 'error', part: 'unet', code: 'DATA_SHORT', message: 'unet/model.onnx_data is cut off: it has 5 bytes of at least 9.', remedy: 'Copy or download this file again.' },
      { severity: 'warning', part: 'vae_decoder', code: 'VAE_HALF_RISK', message: 'vae_decoder/model.onnx overflows on strong colours.', remedy: 'Put fp32 in its place.' },
    ],
    ...change,
  };
}

export function networkEntry(id: number, change: Partial<NetworkEntry> = {}): NetworkEntry {
  return { id, at: 1000 * id, method: 'GET', url: `https://hub.example/${String(id)}`, why: 'model files', status: 200, bytes: 1e6, ms: 1200, problem: null, ...change };
}
