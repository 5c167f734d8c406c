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
  protocol.handle(appScheme, async (request) => {
    if (!isAppAddress(request.url)) return new Response(null, { status: 421 });
    // Only a page that came from here may send something; Chromium names the sender wherever it is another.
    const origin = request.headers.get('origin');
    if (request.method !== 'GET' && origin !== null && !isAppAddress(origin)) return new Response(null, { status: 403 });
    return await fetchUi(request);
  });
}
