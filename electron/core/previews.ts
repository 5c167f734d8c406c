import type { RgbImage } from '../../shared/engineProtocol.ts';
import type { Preview, Region } from '../../shared/job.ts';
import { encodePng } from '../media/png.ts';

/** The step previews of all runs, as pixels in memory: most are looked at once, some when a person goes back. */
export interface Previews {
  add(jobId: string, stepIndex: number, source: Preview['source'], image: RgbImage, region: Region | null): Preview;
  /**
   * Null when it was never there, or had to make room.
   * @param source null: the better of those the step has.
   */
  png(jobId: string, stepIndex: number, source: Preview['source'] | null): Promise<Buffer | null>;
  drop(jobId: string): void;
}

const defaultMaxBytes = 256 * 1024 * 1024;

/** @param maxBytes above it the oldest frames go, whichever run they belong to. */
export function createPreviews(maxBytes: number = defaultMaxBytes): Previews {
  // A Map keeps the order of insertion: the first is the oldest.
  const frames = new Map<string, RgbImage>();
  let bytes = 0;

  const remove = (key: string): void => {
    bytes -= frames.get(key)?.rgb.length ?? 0;
    frames.delete(key);
  };

  return {
    add: (jobId, stepIndex, source, image, region) => {
      const key = frameKey(jobId, stepIndex, source);
      remove(key);
      frames.set(key, image);
      bytes += image.rgb.length;
      for (const oldest of frames.keys()) {
        if (bytes <= maxBytes || oldest === key) break;
        remove(oldest);
      }
      const url = `/runs/${encodeURIComponent(jobId)}/${stepIndex}.png?source=${source}`;
      return { stepIndex, width: image.width, height: image.height, url, source, region };
    },
    png: async (jobId, stepIndex, source) => {
      const sources = source === null ? (['decoder', 'linear'] as const) : [source];
      const image = sources.map((kind) => frames.get(frameKey(jobId, stepIndex, kind))).find((frame) => frame !== undefined);
      return image === undefined ? null : await encodePng(image, []);
    },
    drop: (jobId) => {
      for (const key of [...frames.keys()]) if (key.startsWith(`${jobId} `)) remove(key);
    },
  };
}

function frameKey(jobId: string, stepIndex: number, source: Preview['source']): string {
  return `${jobId} ${stepIndex} ${source}`;
}
