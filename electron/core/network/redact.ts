/** Names of query values that tell nothing: everything else is taken for a secret, as in signed addresses of a CDN. */
const harmless = new Set(['recursive', 'expand', 'limit', 'download']);

/** An address as the log may keep it: no user, no password, no fragment, query values hidden. */
export function withoutSecrets(url: URL): string {
  const shown = new URL(url.href);
  shown.username = '';
  shown.password = '';
  shown.hash = '';
  shown.search = '';
  for (const [name, value] of url.searchParams) shown.searchParams.append(name, harmless.has(name) ? value : 'hidden');
  return shown.href.slice(0, 2000);
}
