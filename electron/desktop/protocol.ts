import { protocol } from 'electron';
import type { FetchUi } from '../core/fetchUi.ts';
import { appScheme, isAppAddress } from './address.ts';

/** Before Electron is ready, and once. No bypassCSP: our own pages are held to their policy. */
export function registerAppScheme(): void {
  protocol.registerSchemesAsPrivileged([
    { scheme: appScheme, privileges: { standard: true, secure: true, supportFetchAPI: true, stream: true, codeCache: true } },
  ]);
}

/** The interface and its pictures come from the core, as in the web host. */
export function serveAppScheme(fetchUi: FetchUi): void {
  protocol.handle(appScheme, async (request) =>
    isAppAddress(request.url) ? await fetchUi(request) : new Response(null, { status: 421 }),
  );
}
