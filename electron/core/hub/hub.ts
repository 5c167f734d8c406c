import { listFiles, modelInfo } from '@huggingface/hub';
import { z } from 'zod';
import { StopbathError } from '../../../shared/errors.ts';
import type { Offer } from '../../../shared/models.ts';
import { limited } from '../network/limitedBody.ts';
import type { Network } from '../network/network.ts';
import { checkHubAddress, parseHubAddress, type HubAddress } from './address.ts';
import { hubFailure } from './hubFailure.ts';
import type { HubFile, HubRepository } from './repository.ts';
import { chooseVariants } from './variants.ts';

export interface HubOptions {
  readonly network: Network;
  readonly token: () => string | null;
  /** See `placesFrom`. */
  readonly endpoint: string;
}

export interface Hub {
  /** null where the text is no address of the hub. @throws StopbathError `INVALID_INPUT` for its addresses of other things. */
  parse(at: string): HubAddress | null;
  /**
   * What lies there now; its revision is pinned to the commit.
   * @throws StopbathError `INVALID_INPUT`, `NOT_FOUND`, `ACCESS_DENIED`, `OFFLINE`, `NETWORK`
   */
  look(at: string): Promise<HubRepository>;
  /** The same for an address in its parts; a commit that was looked at is remembered. `file`: the one its address pointed to. */
  repository(repo: string, revision: string, file: string | null): Promise<HubRepository>;
  /** One file of a commit. The status is the caller's to judge. */
  fetchFile(file: { repo: string; revision: string; path: string }, init: { headers: Record<string, string>; signal: AbortSignal }): Promise<Response>;
  hasToken(): boolean;
  /** Of the hub in use: the only one that gets the token. */
  readonly origin: string;
}

/** More than any short answer of the hub's API. */
const longestAnswer = 32 * 2 ** 20;
const mostFiles = 20_000;
const remembered = 16;
const commit = /^[0-9a-f]{40}$/;

/** What is read of the hub's answers, checked: the library passes on what came. */
const infoSchema = z.object({
  name: z.string(),
  gated: z.union([z.literal(false), z.string()]).catch(false),
  sha: z.string().regex(commit),
  cardData: z.object({ license: z.union([z.string(), z.array(z.string())]).optional().catch(undefined), license_name: z.string().optional().catch(undefined) }).optional().catch(undefined),
  tags: z.array(z.string()).catch([]),
});
const entrySchema = z.object({
  type: z.string(),
  path: z.string().max(4096),
  size: z.int().min(0),
  oid: z.string().regex(/^[0-9a-f]{40}$/).optional().catch(undefined),
  lfs: z.object({ oid: z.string().regex(/^[0-9a-f]{64}$/), size: z.int().min(0) }).optional(),
});

export function createHub({ network, token, endpoint }: HubOptions): Hub {
  const origin = new URL(endpoint).origin;
  const known = new Map<string, HubRepository>();

  /** The library's way out: through the app's only door, refusals in our words, the token for the hub alone. */
  const apiFetch = (why: string, repo: string): typeof fetch => async (input) => {
    const url = input instanceof Request ? input.url : String(input);
    const ours = new URL(url).origin === origin ? token() : null;
    const response = await network.fetch(why, url, { headers: { accept: 'application/json' }, token: ours });
    if (response.ok) return limited(response, longestAnswer);
    await response.body?.cancel();
    throw hubFailure({ status: response.status, headers: response.headers, repo, hasToken: ours !== null });
  };

  const see = async ({ repo, revision, file }: HubAddress): Promise<HubRepository> => {
    const key = `${repo}@${revision}:${file ?? ''}`;
    const before = commit.test(revision) ? known.get(key) : undefined;
    if (before !== undefined) return before;
    const info = infoSchema.safeParse(
      await modelInfo({ name: repo, revision, hubUrl: endpoint, additionalFields: ['sha', 'cardData', 'tags'], fetch: apiFetch(`what ${repo} is`, repo) }).catch(asBadAnswer),
    );
    if (!info.success) throw badAnswer(info.error.message);
    const { sha } = info.data;
    const files = await filesOf({ repo, revision: sha, hubUrl: endpoint, fetch: apiFetch(`the list of files of ${repo}`, repo) });
    const seen: HubRepository = {
      repo,
      revision: sha,
      title: repo.split('/')[1] ?? repo,
      license: licenseOf(info.data),
      gated: info.data.gated !== false,
      ...chooseVariants(files, file),
    };
    known.set(`${repo}@${sha}:${file ?? ''}`, seen);
    if (known.size > remembered) known.delete(known.keys().next().value ?? '');
    return seen;
  };

  return {
    origin,
    parse: (at) => parseHubAddress(at, endpoint),
    look: async (at) => {
      const address = parseHubAddress(at, endpoint);
      if (address !== null) return await see(address);
      throw new StopbathError({
        code: 'INVALID_INPUT',
        message: `at: ${JSON.stringify(at.slice(0, 200))} is no address of a model.`,
        nextStep: 'Write owner/name, owner/name@revision or the address of its page on the hub.',
        field: 'at',
      });
    },
    repository: async (repo, revision, file) => await see({ ...checkHubAddress(repo, revision), file }),
    fetchFile: ({ repo, revision, path }, { headers, signal }) =>
      network.fetch(`a file of ${repo}`, `${endpoint}/${repo}/resolve/${revision}/${path.split('/').map(encodeURIComponent).join('/')}`, {
        // What is counted and continued are the file's own bytes, not a compressed form of them.
        headers: { ...headers, 'accept-encoding': 'identity' },
        token: token(),
        signal,
      }),
    hasToken: () => token() !== null,
  };
}

async function filesOf(where: { repo: string; revision: string; hubUrl: string; fetch: typeof fetch }): Promise<HubFile[]> {
  const files: HubFile[] = [];
  try {
    for await (const raw of listFiles({ ...where, recursive: true })) {
      const entry = entrySchema.safeParse(raw);
      if (!entry.success) throw badAnswer(entry.error.message);
      const { type, path, size, oid, lfs } = entry.data;
      if (type !== 'file') continue;
      if (files.length === mostFiles) throw tooMany(where.repo);
      if (lfs !== undefined) files.push({ path, bytes: lfs.size, oid: `sha256-${lfs.oid}` });
      else if (oid !== undefined) files.push({ path, bytes: size, oid: `git-${oid}` });
    }
  } catch (error) {
    asBadAnswer(error);
  }
  return files;
}

/** Our own failures pass; what the library throws of itself is an answer it could not read. */
function asBadAnswer(error: unknown): never {
  throw error instanceof StopbathError ? error : badAnswer(error instanceof Error ? error.message : String(error), error);
}

function badAnswer(detail: string, cause?: unknown): StopbathError {
  return new StopbathError(
    { code: 'NETWORK', message: 'The hub answered with something Stopbath does not understand.', nextStep: 'Try again later, or update Stopbath.', detail: detail.slice(0, 2000) },
    { cause },
  );
}

function tooMany(repo: string): StopbathError {
  return new StopbathError({
    code: 'MODEL_UNSUPPORTED',
    message: `${repo} has more than ${mostFiles} files.`,
    nextStep: 'Choose a repository that holds one model.',
  });
}

function licenseOf({ cardData, tags }: z.output<typeof infoSchema>): string | null {
  const stated = cardData?.license_name ?? cardData?.license;
  const tagged = tags.find((tag) => tag.startsWith('license:'))?.slice('license:'.length);
  const license = (Array.isArray(stated) ? stated.join(', ') : stated) ?? tagged;
  return license === undefined ? null : license.slice(0, 100);
}

/** What the interface shows of a repository; the store knows what of it is here and what room there is. */
export function toOffer(seen: HubRepository, here: (oid: string) => number, diskFree: number): Offer {
  return {
    source: { kind: 'hub', repo: seen.repo, revision: seen.revision },
    title: seen.title,
    license: seen.license,
    gated: seen.gated,
    variants: seen.variants.map(({ id, label, origin, bytes, memoryBytes, files }) => ({
      id,
      label,
      origin,
      bytes,
      memoryBytes,
      bytesHere: files.reduce((sum, { oid }) => sum + here(oid), 0),
      files: files.map((file) => ({ path: file.path, bytes: file.bytes })),
    })),
    refused: seen.refused.map((refusal) => ({ ...refusal })),
    diskFree,
  };
}
