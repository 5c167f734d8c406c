import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { crc32, deflateRawSync } from 'node:zlib';
import { cudaSource } from '../cuda/nuget.ts';

export interface PackedFile {
  readonly name: string;
  readonly content: Buffer;
  /** What the archive says of it, where that shall be a lie. */
  readonly lie?: { readonly bytes?: number; readonly crc?: number; readonly method?: number; readonly offset?: number; readonly flags?: number };
}

/** A zip archive, deflated, as NuGet packages are. */
export function zipOf(files: readonly PackedFile[]): Buffer {
  const bodies: Buffer[] = [];
  const directory: Buffer[] = [];
  let offset = 0;
  for (const { name, content, lie = {} } of files) {
    const packed = lie.method === 0 ? content : deflateRawSync(content);
    const fields = Buffer.alloc(26);
    fields.writeUInt16LE(20, 0);
    fields.writeUInt16LE(lie.flags ?? 0, 2);
    fields.writeUInt16LE(lie.method ?? 8, 4);
    fields.writeUInt32LE(lie.crc ?? crc32(content), 10);
    fields.writeUInt32LE(packed.length, 14);
    fields.writeUInt32LE(lie.bytes ?? content.length, 18);
    fields.writeUInt16LE(Buffer.byteLength(name), 22);
    bodies.push(Buffer.from([0x50, 0x4b, 3, 4]), fields, Buffer.from(name), packed);
    const more = Buffer.alloc(14);
    more.writeUInt32LE(lie.offset ?? offset, 10);
    // Central header: version made by, then the same fields, then comment, disk, attributes and offset.
    directory.push(Buffer.from([0x50, 0x4b, 1, 2, 20, 0]), fields, more, Buffer.from(name));
    offset += 4 + 26 + Buffer.byteLength(name) + packed.length;
  }
  const list = Buffer.concat(directory);
  const end = Buffer.alloc(22);
  end.writeUInt32LE(0x06054b50, 0);
  end.writeUInt16LE(files.length, 8);
  end.writeUInt16LE(files.length, 10);
  end.writeUInt32LE(list.length, 12);
  end.writeUInt32LE(offset, 16);
  return Buffer.concat([...bodies, list, end]);
}

export interface Feed {
  /** Address of the service index. */
  readonly index: string;
  /** Every request so far: method, path, range. */
  readonly requests: string[];
  close(): Promise<void>;
}

/** What the server does otherwise than it should. */
export interface FeedFaults {
  /** Answers this status to the package. */
  readonly status?: number;
  /** Ends the connection after so many bytes of the package, the first time. */
  readonly breakAfter?: number;
  /** Knows no ranges. */
  readonly noRanges?: boolean;
  readonly hash?: string;
  readonly bytes?: number;
  readonly version?: string;
  readonly noLeaf?: boolean;
  readonly html?: boolean;
}

/** A server that speaks as much of NuGet's V3 API as the installer needs (service index, registration leaf, catalog entry, content). */
export async function startFeed(archive: Buffer, version: string, faults: FeedFaults = {}): Promise<Feed> {
  const requests: string[] = [];
  let broken = false;
  const name = cudaSource.name.toLowerCase();
  const answer = (request: IncomingMessage, response: ServerResponse): void => {
    const base = `http://${request.headers.host ?? ''}`;
    const url = request.url ?? '';
    requests.push(`${request.method ?? ''} ${url}${request.headers.range === undefined ? '' : ` ${request.headers.range}`}`);
    const json = (value: unknown): void => void response.setHeader('content-type', 'application/json').end(JSON.stringify(value));
    if (faults.html === true) return void response.end('<html>Sign in to the network</html>');
    if (url === '/v3/index.json') {
      return json({ version: '3.0.0', resources: [{ '@id': `${base}/registration/`, '@type': 'RegistrationsBaseUrl/3.6.0' }] });
    }
    if (url === `/registration/${name}/${version}.json` && faults.noLeaf !== true) {
      return json({ catalogEntry: `${base}/catalog.json`, packageContent: `${base}/content/${name}.${version}.nupkg` });
    }
    if (url === '/catalog.json') {
      return json({
        version: faults.version ?? version,
        packageHash: faults.hash ?? createHash('sha512').update(archive).digest('base64'),
        packageHashAlgorithm: 'SHA512',
        packageSize: faults.bytes ?? archive.length,
      });
    }
    if (!url.startsWith('/content/')) return void response.writeHead(404).end();
    if (faults.status !== undefined) return void response.writeHead(faults.status).end();
    const from = faults.noRanges === true ? 0 : Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? 0);
    const rest = archive.subarray(from);
    if (from > 0) response.writeHead(206, { 'content-range': `bytes ${from}-${archive.length - 1}/${archive.length}`, 'content-length': rest.length });
    else response.writeHead(200, { 'content-length': rest.length });
    if (faults.breakAfter === undefined || broken) return void response.end(rest);
    broken = true;
    response.write(rest.subarray(0, faults.breakAfter), () => setTimeout(() => request.socket.end(), 150));
  };
  const server = createServer(answer);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    index: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v3/index.json`,
    requests,
    close: () => new Promise((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    }),
  };
}
