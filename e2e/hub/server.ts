import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { contentOf, type Content } from './content.ts';
import { takeFault, type Fault, type Misdeed } from './faults.ts';
import { sendContent } from './sendContent.ts';

/**
 * A hub on this machine, after the documented interface of the real one: model info, a list of files in pages (`Link`),
 * file addresses that redirect large files to another host with a signature, `Range` and `If-Range`, errors named in
 * `X-Error-Code`. What it does wrong is said by faults.
 */
export interface TestHub {
  /** Set as `STOPBATH_HUB`. */
  readonly url: string;
  /** Set as `STOPBATH_HUB_HOSTS`: where large files come from. */
  readonly cdnHost: string;
  readonly faults: Fault[];
  /** Every request, in order. */
  readonly seen: SeenRequest[];
  /** Tokens that are good; a gated or private repository needs one. */
  readonly tokens: Set<string>;
  /** Bytes per second of each connection; null: as fast as it goes. */
  bytesPerSecond: number | null;
  /** Bytes of a file after which nothing more of it is sent until this is null again: what a test looks at meanwhile stays so. */
  heldAt: number | null;
  /** @returns its commit */
  put(id: string, files: Readonly<Record<string, Content | string | Uint8Array>>, more?: RepoTraits): string;
  close(): Promise<void>;
}

export interface SeenRequest {
  readonly at: Fault['at'];
  readonly method: string;
  readonly path: string;
  readonly range: string | null;
  readonly ifRange: string | null;
  readonly authorization: string | null;
  readonly encoding: string | null;
}

export interface RepoTraits {
  readonly gated?: boolean;
  readonly isPrivate?: boolean;
  readonly license?: string;
  /** Files from this size on are kept as large ones: with SHA-256, sent from the other host. */
  readonly largeFrom?: number;
  /** Paths are told as they are, however odd. */
  readonly branches?: readonly string[];
}

interface Repo extends Required<RepoTraits> {
  readonly id: string;
  readonly commit: string;
  readonly files: ReadonlyMap<string, Content>;
}

/** Entries of a page of the list; the real one has 1000. */
const pageSize = 3;

export async function startHub(): Promise<TestHub> {
  const repos = new Map<string, Repo>();
  const faults: Fault[] = [];
  const seen: SeenRequest[] = [];
  const tokens = new Set<string>();
  const blobs = new Map<string, Content>();
  let cdnUrl = '';
  const state: State = { repos, faults, seen, tokens, blobs, cdn: () => cdnUrl, bytesPerSecond: () => hub.bytesPerSecond, heldAt: () => hub.heldAt };
  const api = createServer((request, response) => void answerHub(state, request, response));
  const cdn = createServer((request, response) => void answerCdn(state, request, response));
  const apiPort = await listen(api);
  const cdnPort = await listen(cdn);
  // Another origin on the same machine: what must not be sent there can be seen.
  cdnUrl = `http://localhost:${cdnPort}`;
  const hub: TestHub = {
    url: `http://127.0.0.1:${apiPort}`,
    cdnHost: `localhost:${cdnPort}`,
    faults,
    seen,
    tokens,
    bytesPerSecond: null,
    heldAt: null,
    put: (id, files, { gated = false, isPrivate = false, license = 'mit', largeFrom = 1000, branches = ['main'] } = {}) => {
      const contents = new Map(Object.entries(files).map(([path, data]) => [path, typeof data === 'string' || data instanceof Uint8Array ? contentOf(data) : data]));
      const commit = createHash('sha1').update(JSON.stringify([id, ...[...contents].map(([path, { sha256 }]) => [path, sha256])])).digest('hex');
      for (const content of contents.values()) blobs.set(content.sha256, content);
      const repo: Repo = { id, commit, files: contents, gated, isPrivate, license, largeFrom, branches };
      repos.set(`${id}@${commit}`, repo);
      for (const branch of branches) repos.set(`${id}@${branch}`, repo);
      repos.set(`${id}@HEAD`, repo);
      return commit;
    },
    close: async () => {
      for (const server of [api, cdn]) {
        server.closeAllConnections();
        await new Promise((done) => server.close(done));
      }
    },
  };
  return hub;
}

/** The files of a folder as a repository: so that a real model can be had from the test hub. */
export function filesOf(folder: string): Record<string, Uint8Array> {
  const files: Record<string, Uint8Array> = {};
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const path = join(entry.parentPath, entry.name);
    files[path.slice(folder.length + 1).replaceAll('\\', '/')] = readFileSync(path);
  }
  return files;
}

interface State {
  readonly repos: ReadonlyMap<string, Repo>;
  readonly faults: Fault[];
  readonly seen: SeenRequest[];
  readonly tokens: ReadonlySet<string>;
  readonly blobs: ReadonlyMap<string, Content>;
  readonly cdn: () => string;
  readonly bytesPerSecond: () => number | null;
  readonly heldAt: () => number | null;
}

async function listen(server: Server): Promise<number> {
  // Both families: `localhost` may be either.
  await new Promise<void>((done) => server.listen(0, () => done()));
  const address = server.address();
  return typeof address === 'object' && address !== null ? address.port : 0;
}

function note(state: State, at: Fault['at'], { method = '', url = '', headers }: IncomingMessage): Misdeed | null {
  const path = decodeURIComponent(url);
  const { range = null, authorization = null, 'accept-encoding': encoding = null } = headers;
  const ifRange = typeof headers['if-range'] === 'string' ? headers['if-range'] : null;
  state.seen.push({ at, method, path, range, ifRange, authorization, encoding: encoding === null ? null : String(encoding) });
  return takeFault(state.faults, at, path, range !== null);
}

async function answerHub(state: State, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const url = new URL(request.url ?? '/', 'http://hub');
  const [first = '', ...rest] = url.pathname.split('/').filter((part) => part !== '').map(decodeURIComponent);
  const isApi = first === 'api' && rest[0] === 'models';
  const isCache = first === 'api' && rest[0] === 'resolve-cache';
  const misdeed = note(state, isApi ? 'api' : 'resolve', request);
  if (misdeed?.kind === 'answer') return plainAnswer(response, misdeed);
  if (misdeed?.kind === 'redirect') return void response.writeHead(302, { location: misdeed.to }).end();
  const words = isCache ? rest.slice(2) : isApi ? rest.slice(1) : [first, ...rest];
  const [owner = '', name = '', verb = '', revision = '', ...path] = isCache ? [words[0] ?? '', words[1] ?? '', 'resolve', ...words.slice(2)] : words;
  const id = `${owner}/${name}`;
  const repo = state.repos.get(`${id}@${revision}`);
  const error = accessError(state, id, repo, request, isApi);
  if (error !== null) return refuse(response, error);
  if (repo === undefined) return refuse(response, { status: 404, code: 'RevisionNotFound', message: `Invalid rev id: ${revision}` });
  if (isApi && verb === 'revision') return json(response, infoOf(repo));
  if (isApi && verb === 'tree') return tree(repo, url, request, response);
  const content = repo.files.get(path.join('/'));
  if (verb !== 'resolve' || content === undefined) return refuse(response, { status: 404, code: 'EntryNotFound', message: 'Entry not found' });
  if (content.bytes >= repo.largeFrom) {
    response.setHeader('x-repo-commit', repo.commit);
    response.setHeader('x-linked-size', String(content.bytes));
    response.setHeader('x-linked-etag', `"${content.sha256}"`);
    return void response.writeHead(302, { location: `${state.cdn()}/repos/${content.sha256}?X-Amz-Signature=secret-${content.sha256.slice(0, 8)}&X-Amz-Expires=3600` }).end();
  }
  // Small files: the real hub redirects to a cached address of its own.
  if (!isCache) return void response.writeHead(307, { location: `/api/resolve-cache/models/${id}/${repo.commit}/${path.map(encodeURIComponent).join('/')}` }).end();
  await sendContent(content, `"${content.gitOid}"`, misdeed, request, response, { bytesPerSecond: state.bytesPerSecond(), heldAt: state.heldAt });
}

async function answerCdn(state: State, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const misdeed = note(state, 'cdn', request);
  const url = new URL(request.url ?? '/', 'http://cdn');
  if (misdeed?.kind === 'answer') return plainAnswer(response, misdeed);
  const content = state.blobs.get(url.pathname.split('/')[2] ?? '');
  // As S3 does: two kinds of credentials are an error.
  if (request.headers.authorization !== undefined) return void response.writeHead(400).end('Only one auth mechanism allowed');
  if (content === undefined || !url.searchParams.has('X-Amz-Signature')) return void response.writeHead(403).end('<Error><Code>AccessDenied</Code></Error>');
  await sendContent(content, `"${content.sha256}"`, misdeed, request, response, { bytesPerSecond: state.bytesPerSecond(), heldAt: state.heldAt });
}

interface Refusal {
  readonly status: number;
  readonly code: string | null;
  readonly message: string;
}

function accessError(state: State, id: string, repo: Repo | undefined, { headers }: IncomingMessage, isApi: boolean): Refusal | null {
  const token = headers.authorization?.replace(/^Bearer /, '') ?? null;
  if (token !== null && !state.tokens.has(token)) return { status: 401, code: null, message: 'Invalid credentials in Authorization header' };
  const any = repo ?? state.repos.get(`${id}@HEAD`);
  if (any === undefined || (any.isPrivate && token === null)) {
    return token === null ? { status: 401, code: 'RepoNotFound', message: 'Repository not found' } : { status: 404, code: 'RepoNotFound', message: 'Repository not found' };
  }
  // What a gated repository holds may be seen by everybody; the files may not be had.
  if (any.gated && !isApi && token === null) return { status: 401, code: 'GatedRepo', message: `Access to model ${id} is restricted. You must have access to it and be authenticated to access it. Please log in.` };
  return null;
}

function infoOf({ id, commit, gated, isPrivate, license, files }: Repo): unknown {
  return {
    _id: '0123456789abcdef01234567',
    id,
    modelId: id,
    sha: commit,
    private: isPrivate,
    gated: gated ? 'auto' : false,
    lastModified: '2026-01-01T00:00:00.000Z',
    downloads: 1,
    likes: 1,
    tags: ['diffusers', `license:${license}`],
    cardData: { license },
    siblings: [...files.keys()].map((rfilename) => ({ rfilename })),
  };
}

function tree(repo: Repo, url: URL, request: IncomingMessage, response: ServerResponse): void {
  const folders = new Set([...repo.files.keys()].flatMap((path) => path.split('/').slice(0, -1).map((_, at, parts) => [...parts.slice(0, at), parts[at]].join('/'))));
  const all = [
    ...[...folders].map((path) => ({ type: 'directory', path, size: 0, oid: createHash('sha1').update(path).digest('hex') })),
    ...[...repo.files].map(([path, { bytes, sha256, gitOid }]) =>
      bytes >= repo.largeFrom
        ? { type: 'file', path, size: bytes, oid: createHash('sha1').update(sha256).digest('hex'), lfs: { oid: sha256, size: bytes, pointerSize: 134 }, xetHash: sha256 }
        : { type: 'file', path, size: bytes, oid: gitOid },
    ),
  ];
  const from = Number(url.searchParams.get('cursor') ?? 0);
  if (from + pageSize < all.length) {
    const next = new URL(url.pathname + url.search, `http://${request.headers.host ?? ''}`);
    next.searchParams.set('cursor', String(from + pageSize));
    response.setHeader('link', `<${next.href}>; rel="next"`);
  }
  json(response, all.slice(from, from + pageSize));
}

function json(response: ServerResponse, value: unknown): void {
  response.writeHead(200, { 'content-type': 'application/json; charset=utf-8' }).end(JSON.stringify(value));
}

function refuse(response: ServerResponse, { status, code, message }: Refusal): void {
  if (code !== null) response.setHeader('x-error-code', code);
  response.setHeader('x-error-message', message);
  response.writeHead(status, { 'content-type': 'application/json; charset=utf-8' }).end(JSON.stringify({ error: message }));
}

function plainAnswer(response: ServerResponse, { status, headers = {}, body = '' }: Extract<Misdeed, { kind: 'answer' }>): void {
  response.writeHead(status, headers).end(body);
}
