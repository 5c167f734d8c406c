import { elementCount, mapTensor, type Tensor } from '../tensor/tensor.ts';
import type { SchedulerConfig } from './config.ts';

const { fround } = Math;

/** torch.quantile with linear interpolation, of float32 values. */
function quantile(values: Float32Array, ratio: number): number {
  const sorted = values.toSorted();
  const rank = fround(fround(ratio) * (sorted.length - 1));
  const below = sorted[Math.floor(rank)] ?? 0;
  const above = sorted[Math.ceil(rank)] ?? 0;
  const weight = fround(rank - Math.floor(rank));
  const span = fround(above - below);
  return weight < 0.5 ? fround(below + fround(weight * span)) : fround(above - fround(span * fround(1 - weight)));
}

/** Dynamic thresholding (arXiv 2205.11487, 2.3): each picture clipped to a quantile of its own magnitudes, and scaled by it. */
export function thresholded(estimate: Tensor, config: SchedulerConfig): Tensor {
  const rowSize = elementCount(estimate.dims.slice(1));
  const out = new Float32Array(estimate.data.length);
  for (let start = 0; start < out.length; start += rowSize) {
    const row = estimate.data.subarray(start, start + rowSize);
    const magnitude = quantile(row.map(Math.abs), config.dynamicThresholdingRatio);
    const limit = Math.min(Math.max(magnitude, 1), fround(config.sampleMaxValue));
    row.forEach((value, index) => {
      out[start + index] = Math.min(Math.max(value, -limit), limit) / limit;
    });
  }
  return { dims: estimate.dims, data: out };
}

export function clipped(estimate: Tensor, range: number): Tensor {
  const limit = fround(range);
  return mapTensor(estimate, (value) => Math.min(Math.max(value, -limit), limit));
}

/** x0 as the config wants it kept in bounds: thresholded, else clipped, else as it is. */
export function bounded(estimate: Tensor, config: SchedulerConfig): Tensor {
  if (config.thresholding) return thresholded(estimate, config);
  return config.clipSample ? clipped(estimate, config.clipSampleRange) : estimate;
}
