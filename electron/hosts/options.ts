import { parseArgs } from 'node:util';

export interface StartOptions {
  readonly port: number;
  /** Serve to a browser even where Electron could run. */
  readonly serve: boolean;
  /** Open a browser; null: where there is a display. */
  readonly open: boolean | null;
}

export const usage = 'Usage: start [--serve] [--open | --no-open] [--port NUMBER]';

/** @throws Error whose message tells what is wrong with the command line. */
export function parseStartOptions(args: readonly string[]): StartOptions {
  const { values } = parseArgs({
    args: [...args],
    options: { serve: { type: 'boolean' }, open: { type: 'boolean' }, port: { type: 'string' } },
    allowNegative: true,
  });
  const port = Number(values.port ?? '0');
  if (!Number.isInteger(port) || port < 0 || port > 65_535) throw new Error(`--port ${values.port}: no port number`);
  return { port, serve: values.serve ?? false, open: values.open ?? (values.serve === true ? false : null) };
}
