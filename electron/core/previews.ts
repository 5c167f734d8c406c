import type { RgbImage } from '../../shared/engineProtocol.ts';
import type { Preview, Region } from '../../shared/job.ts';
import { encodePng } from '../media/png.ts';
import { previewUrl } from './runs/leftRun.ts';
import type { Runs } from './runs/runStore.ts';

/** The step previews of all runs: as pixels in memory, where most are looked at once, and as PNG beside the run's steps. */
export interface Previews {
  add(jobId: string, stepIndex: number, source: Preview['source'], image: RgbImage, region: Region | null): Preview;
  /**
   * Null when it was never there, or had to make room.
   * @param source null: the better of those the step has.
   */
  png(jobId: string, stepIndex: number, source: Preview['source'] | null): Promise<Buffer | null>;
  drop(jobId: string): void;
}

export type PreviewDisk = Pick<Runs, 'addPreview' | 'previewPng'>;

const defaultMaxBytes = 256 * 1024 * 1024;

/** @param maxBytes of memory; above it the oldest frames are on disk only, whichever run they belong to. */
export function createPreviews(disk: PreviewDisk, maxBytes: number = defaultMaxBytes): Previews {
  // A Map keeps the order of insertion: the first is the oldest.
  const frames = new Map<string, RgbImage>();
  let bytes = 0;

  const remove = (key: string): void => {
    bytes -= frames.get(key)?.rgb.length ?? 0;
    frames.delete(key);
  };

  const png = async (jobId: string, stepIndex: number, source: Preview['source']): Promise<Buffer | null> => {
    const image = frames.get(frameKey(jobId, stepIndex, source));
    return image === undefined ? await disk.previewPng(jobId, stepIndex, source) : await encodePng(image, []);
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
      disk.addPreview(jobId, stepIndex, source, () => encodePng(image, []));
      return { stepIndex, width: image.width, height: image.height, url: previewUrl(jobId, stepIndex, source), source, region };
    },
    png: async (jobId, stepIndex, source) => {
      if (source !== null) return await png(jobId, stepIndex, source);
      return (await png(jobId, stepIndex, 'decoder')) ?? (await png(jobId, stepIndex, 'linear'));
    },
    drop: (jobId) => {
      for (const key of [...frames.keys()]) if (key.startsWith(`${jobId} `)) remove(key);
    },
  };
}

function frameKey(jobId: string, stepIndex: number, source: Preview['source']): string {
  return `${jobId} ${stepIndex} ${source}`;
}
