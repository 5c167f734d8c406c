import { session } from 'electron';
import { isAppAddress } from './address.ts';

/** All the interface needs: copying a picture or a prompt, pasting a callback at the press of its button, and the whole screen. */
const allowed: ReadonlySet<string> = new Set(['clipboard-sanitized-write', 'clipboard-read', 'fullscreen']);

/** Both handlers are needed: some features only check, some only ask. */
export function restrictPermissions(): void {
  const { defaultSession } = session;
  defaultSession.setPermissionRequestHandler((contents, permission, decide) => {
    decide(allowed.has(permission) && isAppAddress(contents.getURL()));
  });
  defaultSession.setPermissionCheckHandler(
    (_contents, permission, requestingOrigin) => allowed.has(permission) && isAppAddress(requestingOrigin),
  );
  defaultSession.setDevicePermissionHandler(() => false);
  defaultSession.setDisplayMediaRequestHandler((_request, decide) => decide({}));
}
