import { openBrowser } from './browser.ts';
import { parseStartOptions, type StartOptions, usage } from './options.ts';
import { serveApp } from './serveApp.ts';

/** Entry: the web host alone. */
function main(): void {
  let options: StartOptions;
  try {
    options = parseStartOptions(process.argv.slice(2));
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : String(error)}\n${usage}`);
    process.exitCode = 64;
    return;
  }
  void serveApp({
    port: options.port,
    print: (line) => console.log(line),
    onAddress: (address) => {
      if (options.open === true) openBrowser(address);
    },
  }).then((code) => process.exit(code));
}

main();
