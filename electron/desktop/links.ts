import { app, shell, type Event, type WebContentsWillNavigateEventParams } from 'electron';
import { isAppAddress } from './address.ts';

/** Hosts whose pages may be opened in the person's browser. */
const allowedHosts: ReadonlySet<string> = new Set(['github.com', 'huggingface.co']);

/** Windows stay on the interface and open no others; links that are allowed open in the browser. */
export function lockNavigation(): void {
  app.on('web-contents-created', (_event, contents) => {
    const stay = (event: Pick<Event<WebContentsWillNavigateEventParams>, 'url' | 'preventDefault'>): void => {
      if (!isAppAddress(event.url)) event.preventDefault();
    };
    contents.on('will-navigate', stay);
    contents.on('will-redirect', stay);
    contents.on('will-frame-navigate', stay);
    contents.on('will-attach-webview', (event) => event.preventDefault());
    contents.setWindowOpenHandler(({ url }) => {
      openLink(url);
      return { action: 'deny' };
    });
  });
}

/** Opens a page outside, if it is one of those that may be. What is opened is our own spelling of it, not the page's. */
export function openLink(address: string): void {
  if (!URL.canParse(address)) return;
  const url = new URL(address);
  if (url.protocol !== 'https:' || !allowedHosts.has(url.host) || url.username !== '' || url.password !== '') return;
  void shell.openExternal(url.href).catch((error: unknown) => console.error('A link could not be opened.', error));
}
