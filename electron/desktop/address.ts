export const appScheme = 'app';
const appHost = 'stopbath';

/** The address of the interface. */
export const appAddress = `${appScheme}://${appHost}/`;

/**
 * Whether an address belongs to the interface. Protocol and host are compared, never the origin: for a scheme of our own
 * Node gives "null" as origin, which every other such scheme equals.
 */
export function isAppAddress(address: string): boolean {
  if (!URL.canParse(address)) return false;
  const { protocol, host } = new URL(address);
  return protocol === `${appScheme}:` && host === appHost;
}
