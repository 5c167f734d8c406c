import { z } from 'zod';
import { StopbathError } from '../../../../shared/errors.ts';

/** The app's one door to the outside, as far as it is needed here. */
export interface Door {
  fetch(why: string, url: string, init?: { readonly headers?: Readonly<Record<string, string>>; readonly signal?: AbortSignal }): Promise<Response>;
}

/** What onnxruntime-node's own installer fetches for Linux x64 (its script/install-metadata.js; a test holds the two together). */
export const cudaSource = {
  index: 'https://api.nuget.org/v3/index.json',
  name: 'Microsoft.ML.OnnxRuntime.Gpu.Linux',
  members: {
    'libonnxruntime_providers_shared.so': 'runtimes/linux-x64/native/libonnxruntime_providers_shared.so',
    'libonnxruntime_providers_cuda.so': 'runtimes/linux-x64/native/libonnxruntime_providers_cuda.so',
  },
} as const;

export interface NugetPackage {
  readonly url: string;
  readonly bytes: number;
  /** Base64. */
  readonly sha512: string;
}

const indexSchema = z.object({ resources: z.array(z.object({ '@id': z.url(), '@type': z.string() })) });
const leafSchema = z.object({ catalogEntry: z.url(), packageContent: z.url() });
const entrySchema = z.object({
  version: z.string(),
  packageHash: z.base64(),
  packageHashAlgorithm: z.literal('SHA512'),
  packageSize: z.int().min(1).max(4_000_000_000),
});

/** Of the answers that describe a package; the package itself is no JSON. */
const maxJson = 2_000_000;

/**
 * Asks the feed where a version of the package is, how large, and its hash (NuGet's V3 API: service index, registration leaf,
 * catalog entry).
 * @param index another feed that speaks the same API
 * @throws StopbathError `NETWORK`, `OFFLINE` (from the door), `NOT_FOUND` where the feed has no such version, `DOWNLOAD` where it answers otherwise than its API says.
 */
export async function findPackage(door: Door, version: string, index: string = cudaSource.index, signal?: AbortSignal): Promise<NugetPackage> {
  const { resources } = await readJson(door, index, indexSchema, signal);
  const registrations = ['RegistrationsBaseUrl/3.6.0', 'RegistrationsBaseUrl'].map((type) => resources.find((resource) => resource['@type'] === type)).find((found) => found !== undefined);
  if (registrations === undefined) throw notTheApi(index, 'it names no registrations');
  const leafUrl = `${registrations['@id'].replace(/\/$/, '')}/${cudaSource.name.toLowerCase()}/${version.toLowerCase()}.json`;
  const leaf = await readJson(door, leafUrl, leafSchema, signal);
  const entry = await readJson(door, leaf.catalogEntry, entrySchema, signal);
  if (entry.version !== version) throw notTheApi(leaf.catalogEntry, `it is of version ${entry.version}`);
  return { url: leaf.packageContent, bytes: entry.packageSize, sha512: entry.packageHash };
}

async function readJson<T>(door: Door, url: string, schema: z.ZodType<T>, signal?: AbortSignal): Promise<T> {
  const response = await door.fetch('the NVIDIA libraries of ONNX Runtime', url, signal === undefined ? {} : { signal });
  if (response.status === 404) {
    throw new StopbathError({
      code: 'NOT_FOUND',
      message: `${new URL(url).host} has no NVIDIA libraries for this version.`,
      nextStep: 'Look for a newer version of Stopbath; until then WebGPU and the CPU work.',
    });
  }
  if (!response.ok) {
    await response.body?.cancel();
    throw new StopbathError({ code: 'NETWORK', message: `${new URL(url).host} answered with ${response.status}.`, nextStep: 'Try again later.' });
  }
  let text = '';
  const decoder = new TextDecoder();
  for await (const bytes of response.body ?? []) {
    text += decoder.decode(bytes, { stream: true });
    if (text.length > maxJson) throw notTheApi(url, 'it is too long');
  }
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw notTheApi(url, 'it is no JSON');
  }
  const parsed = schema.safeParse(value);
  if (!parsed.success) throw notTheApi(url, z.prettifyError(parsed.error));
  return parsed.data;
}

function notTheApi(url: string, detail: string): StopbathError {
  return new StopbathError({
    code: 'DOWNLOAD',
    message: `The answer of ${new URL(url).host} is not what its API promises.`,
    nextStep: 'Try again later; a proxy on the way may answer in its place.',
    detail,
  });
}
