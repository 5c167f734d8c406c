import { constants } from 'node:fs';
import { open } from 'node:fs/promises';

/** A file that grows. A seam of its own so that a test can fill the disk. */
export interface PartFile {
  size(): Promise<number>;
  /** All of the bytes, or an error. */
  write(bytes: Uint8Array, position: number): Promise<void>;
  truncate(): Promise<void>;
  /** To the disk itself, so that a rename after it cannot outlive the bytes. */
  sync(): Promise<void>;
  close(): Promise<void>;
}
export type OpenPart = (path: string) => Promise<PartFile>;

export const openPart: OpenPart = async (path) => {
  const file = await open(path, constants.O_RDWR | constants.O_CREAT, 0o644);
  return {
    size: async () => (await file.stat()).size,
    write: async (bytes, position) => {
      for (let done = 0; done < bytes.byteLength; ) {
        done += (await file.write(bytes, done, bytes.byteLength - done, position + done)).bytesWritten;
      }
    },
    truncate: () => file.truncate(0),
    sync: () => file.sync(),
    close: () => file.close(),
  };
};
