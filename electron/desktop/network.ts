import { session } from 'electron';
import { isAppAddress } from './address.ts';

const localSchemes: ReadonlySet<string> = new Set(['blob:', 'data:', 'devtools:']);

/** Pages have no network, whatever their policy says: only the app's own addresses pass. */
export function blockNetwork(): void {
  session.defaultSession.webRequest.onBeforeRequest(({ url }, decide) => decide({ cancel: !mayRequest(url) }));
}

function mayRequest(address: string): boolean {
  if (isAppAddress(address)) return true;
  return URL.canParse(address) && localSchemes.has(new URL(address).protocol);
}
