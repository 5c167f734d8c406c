import { runCommandLine } from './cli/run.ts';

/** The engine from a command line; see `usage` in cli/options.ts. */

// A reader that has gone (`| head`) costs its lines, not the picture.
for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined);
process.exitCode = await runCommandLine(process.argv.slice(2), process);
