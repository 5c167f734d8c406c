import { StopbathError } from '../../../shared/errors.ts';

/**
 * Where the app may go at all. `*.` stands for any name below. The hub sends large files from hosts of its own
 * (cdn-lfs*.hf.co, cas-bridge.xethub.hf.co ...); the libraries for NVIDIA cards are in the public NuGet feed that
 * onnxruntime-node's own installer names.
 */
export const publicHosts: readonly string[] = ['huggingface.co', '*.huggingface.co', 'hf.co', '*.hf.co', 'api.nuget.org', '*.nuget.org'];

export const publicHub = 'https://huggingface.co';

/** The hub in use, and every host that may be asked. */
export interface Places {
  /** Without a slash at its end. */
  readonly hub: string;
  readonly hosts: readonly string[];
}

/**
 * `STOPBATH_HUB`: address of a mirror that speaks the hub's API. `STOPBATH_HUB_HOSTS`: further hosts it sends files from,
 * comma-separated, with a port where it is not the usual one.
 * @throws StopbathError `INVALID_INPUT` when the address is none, or is not encrypted and not of this machine.
 */
export function placesFrom(env: Readonly<Record<string, string | undefined>>): Places {
  const mirror = env['STOPBATH_HUB'] ?? '';
  if (mirror === '') return { hub: publicHub, hosts: publicHosts };
  const url = URL.parse(mirror);
  if (url === null || !isPrivateEnough(url)) {
    throw new StopbathError({
      code: 'INVALID_INPUT',
      message: `STOPBATH_HUB: ${JSON.stringify(mirror)} is no https address.`,
      nextStep: 'Set it to the address of a mirror, or unset it.',
    });
  }
  const further = (env['STOPBATH_HUB_HOSTS'] ?? '').split(',').map((host) => host.trim()).filter((host) => host !== '');
  return { hub: url.origin + url.pathname.replace(/\/+$/, ''), hosts: [...publicHosts, url.host, ...further] };
}

const loopback = new Set(['localhost', '127.0.0.1', '[::1]']);

/** Encrypted, or to this very machine. */
export function isPrivateEnough(url: URL): boolean {
  return url.protocol === 'https:' || (url.protocol === 'http:' && loopback.has(url.hostname));
}

export function isAllowedHost(url: URL, hosts: readonly string[]): boolean {
  return hosts.some((host) => (host.startsWith('*.') ? url.hostname.endsWith(host.slice(1)) && url.port === '' : url.host === host));
}
