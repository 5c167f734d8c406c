import { readFile, realpath } from 'node:fs/promises';
import { basename, extname, join, relative, sep } from 'node:path';
import { toFailure, type Failure } from '../../shared/errors.ts';
import type { InputImage } from '../../shared/generation.ts';
import { previewSchema } from '../../shared/job.ts';
import { isMissing } from './files.ts';
import { maxInputBody, type Inputs } from './inputs.ts';
import type { Library } from './library.ts';
import type { Previews } from './previews.ts';
import { securityHeaders } from './uiHeaders.ts';

export type FetchUi = (request: Request) => Promise<Response>;

export interface FetchUiOptions {
  /** The built renderer. */
  readonly folder: string;
  readonly inputs: Pick<Inputs, 'add' | 'png'>;
  readonly library: Pick<Library, 'path'>;
  readonly previews: Pick<Previews, 'png'>;
}

const contentTypes: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.json': 'application/json',
  '.webmanifest': 'application/manifest+json',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.ico': 'image/x-icon',
  '.webp': 'image/webp',
  '.woff2': 'font/woff2',
  '.txt': 'text/plain; charset=utf-8',
  '.wasm': 'application/wasm',
};

/** Where pictures that runs start from are sent to. */
export const inputsPath = '/inputs';

const forever = 'private, max-age=31536000, immutable';

/** Serves the interface, its pictures and the step previews, and takes pictures in: the one door for both hosts. */
export function createFetchUi(options: FetchUiOptions): FetchUi {
  return async (request) => {
    const response = await answer(request, options).catch(() => plain(500, 'Something went wrong.'));
    for (const [name, value] of Object.entries(securityHeaders)) response.headers.set(name, value);
    return request.method === 'HEAD' ? new Response(null, response) : response;
  };
}

async function answer(request: Request, options: FetchUiOptions): Promise<Response> {
  const url = new URL(request.url);
  if (request.method === 'POST' && url.pathname === inputsPath) return await takeInput(request, options.inputs);
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    return plain(405, 'Only GET and HEAD.', { Allow: 'GET, HEAD' });
  }
  const segments = pathSegments(url.pathname);
  if (segments === null) return plain(400, 'This is no address of Stopbath.');
  switch (segments[0]) {
    case 'pictures':
      return await picture(segments, url.searchParams, options.library);
    case 'inputs':
      return await inputPicture(segments, options.inputs);
    case 'runs':
      return await preview(segments, url.searchParams, options.previews);
    default:
      return await asset(segments, options.folder);
  }
}

/** The decoded parts of a path, or null for one that tries to say more than names of files. */
function pathSegments(path: string): string[] | null {
  try {
    const segments = path.split('/').slice(1).map(decodeURIComponent);
    return segments.some((segment) => segment === '..' || /[/\\\0]/.test(segment)) ? null : segments;
  } catch {
    return null;
  }
}

async function picture(segments: string[], query: URLSearchParams, library: FetchUiOptions['library']): Promise<Response> {
  const name = segments[1] ?? '';
  if (segments.length !== 2 || !name.endsWith('.png')) return notFound();
  // Looked up, never joined to a folder: only what is in the library is served.
  const path = await library.path(name.slice(0, -'.png'.length)).catch(() => null);
  const bytes = path === null ? null : await read(path);
  if (path === null || bytes === null) return notFound();
  const headers = { 'Content-Type': 'image/png', 'Cache-Control': forever };
  if (query.get('download') !== '1') return new Response(bytes, { headers });
  const disposition = `attachment; filename*=UTF-8''${encodeURIComponent(basename(path))}`;
  return new Response(bytes, { headers: { ...headers, 'Content-Disposition': disposition } });
}

async function inputPicture(segments: string[], inputs: FetchUiOptions['inputs']): Promise<Response> {
  const name = segments[1] ?? '';
  const bytes = segments.length === 2 && name.endsWith('.png') ? await inputs.png(name.slice(0, -'.png'.length)) : null;
  if (bytes === null) return notFound();
  return new Response(bytes, { headers: { 'Content-Type': 'image/png', 'Cache-Control': forever } });
}

/** 201 with the stored picture's id and sides, else a Failure: 413 too large, 415 not image/png, 422 no usable picture. */
async function takeInput(request: Request, inputs: FetchUiOptions['inputs']): Promise<Response> {
  // A page of another site cannot send this type without being asked for leave first, which nobody gives.
  if (request.headers.get('content-type') !== 'image/png') {
    return json(415, { code: 'INVALID_INPUT', message: 'Only image/png is taken.', field: 'image' });
  }
  const bytes = await bodyWithin(request, maxInputBody);
  if (bytes === null) {
    const message = `The picture's file is larger than ${maxInputBody / 2 ** 20} MiB.`;
    return json(413, { code: 'INVALID_INPUT', message, nextStep: 'Make the picture smaller.', field: 'image' });
  }
  try {
    return json(201, await inputs.add(bytes));
  } catch (error) {
    const failure = toFailure(error);
    return json(failure.code === 'INVALID_INPUT' ? 422 : failure.code === 'DISK_FULL' ? 507 : 500, failure);
  }
}

/** The body as it comes, never more of it than is allowed; null when it is longer. */
async function bodyWithin(request: Request, maxBytes: number): Promise<Uint8Array | null> {
  if (Number(request.headers.get('content-length') ?? 0) > maxBytes) return null;
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of request.body ?? []) {
    length += chunk.length;
    if (length > maxBytes) return null;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

async function preview(segments: string[], query: URLSearchParams, previews: FetchUiOptions['previews']): Promise<Response> {
  const step = /^(\d{1,4})\.png$/.exec(segments[2] ?? '')?.[1];
  const source = previewSchema.shape.source.nullable().safeParse(query.get('source'));
  if (segments.length !== 3 || step === undefined || !source.success) return notFound();
  const png = await previews.png(segments[1] ?? '', Number(step), source.data);
  if (png === null) return notFound();
  return new Response(new Uint8Array(png), { headers: { 'Content-Type': 'image/png', 'Cache-Control': forever } });
}

async function asset(segments: string[], folder: string): Promise<Response> {
  const isPage = segments.length === 1 && segments[0] === '';
  const type = isPage ? contentTypes['.html'] : contentTypes[extname(segments.at(-1) ?? '')];
  if (type === undefined || segments.some((segment) => segment.startsWith('.'))) return notFound();
  const path = await confined(folder, isPage ? ['index.html'] : segments);
  const bytes = path === null ? null : await read(path);
  if (bytes === null) {
    return isPage ? plain(503, 'The interface is not built. Run `npm run build`, then reload.') : notFound();
  }
  // Vite puts a hash of the content into the names of everything under assets/.
  const caching = segments[0] === 'assets' && !isPage ? forever : 'no-cache';
  return new Response(bytes, { headers: { 'Content-Type': type, 'Cache-Control': caching } });
}

/** The real path of a file below the folder; null when it is not there, or a link leads out. */
async function confined(folder: string, segments: string[]): Promise<string | null> {
  try {
    const root = await realpath(folder);
    const path = await realpath(join(root, ...segments));
    const inside = relative(root, path);
    return inside === '' || inside === '..' || inside.startsWith(`..${sep}`) ? null : path;
  } catch {
    return null;
  }
}

async function read(path: string): Promise<Uint8Array<ArrayBuffer> | null> {
  try {
    return new Uint8Array(await readFile(path));
  } catch (error) {
    if (isMissing(error)) return null;
    throw error;
  }
}

function json(status: number, value: Failure | InputImage): Response {
  return new Response(JSON.stringify(value), {
    status,
    headers: { 'Content-Type': 'application/json', 'Cache-Control': 'no-store' },
  });
}

function notFound(): Response {
  return plain(404, 'There is nothing here.');
}

function plain(status: number, text: string, headers: Record<string, string> = {}): Response {
  return new Response(text, {
    status,
    headers: { 'Content-Type': 'text/plain; charset=utf-8', 'Cache-Control': 'no-store', ...headers },
  });
}
