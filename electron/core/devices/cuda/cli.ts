import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { toFailure } from '../../../../shared/errors.ts';
import { packRoot } from '../../../system/cudaLibraries.ts';
import { runtimePackage } from '../../../system/runtimePackage.ts';
import { dataFolder } from '../../dataFolder.ts';
import { publicHosts } from '../../network/allowedHosts.ts';
import { createNetwork } from '../../network/network.ts';
import { cudaChecks } from './checks.ts';
import { cudaSource } from './nuget.ts';
import { installPack, otherVersions, readPack, removePack } from './pack.ts';

const help = `npm run cuda -- [options]      Linux x64 with an NVIDIA card

Installs the NVIDIA libraries of ONNX Runtime into the data folder of Stopbath (about 200 MB from ${new URL(cudaSource.index).host}),
and says whether driver, CUDA and cuDNN fit. The app need not run.

  --check          only say what is there, also compare the hashes
  --remove         delete the libraries
  --from FILE      install from a package that was fetched elsewhere (${cudaSource.name}, .nupkg)
  --feed URL       another feed with NuGet's API
  --data FOLDER    the data folder, when it is not the usual one (or STOPBATH_DATA)
`;

const { values } = parseArgs({
  options: {
    check: { type: 'boolean', default: false },
    remove: { type: 'boolean', default: false },
    from: { type: 'string' },
    feed: { type: 'string', default: cudaSource.index },
    data: { type: 'string', default: dataFolder() },
    help: { type: 'boolean', default: false },
  },
});

const print = (text: string): void => void process.stdout.write(`${text}\n`);

async function main(): Promise<number> {
  if (values.help) {
    print(help);
    return 0;
  }
  if (process.platform !== 'linux' || process.arch !== 'x64') {
    print('NVIDIA libraries exist for Linux on x64 only. On Windows use DirectML, which needs nothing; elsewhere WebGPU.');
    return 2;
  }
  const network = createNetwork({ isOffline: () => false, hosts: [...publicHosts, new URL(values.feed).host] });
  const root = packRoot(resolve(values.data));
  const options = { root, runtime: runtimePackage(), door: network, index: values.feed };
  if (values.remove) await removePack(options);
  else if (!values.check) {
    let told = -1;
    const onProgress = (share: number): void => {
      const percent = Math.floor(share * 20) * 5;
      if (percent !== told) print(`${percent} %`);
      told = percent;
    };
    await installPack(options, onProgress, undefined, values.from);
  }
  const pack = await readPack(options, true);
  const checks = cudaChecks(pack, await otherVersions(options), root);
  for (const { severity, message, remedy } of checks) print([`${severity.padEnd(7)} ${message}`, remedy].filter((text) => text !== '').join('\n        '));
  return values.remove || checks.every(({ severity }) => severity !== 'error') ? 0 : 1;
}

try {
  process.exitCode = await main();
} catch (error) {
  const { message, nextStep, detail } = toFailure(error);
  process.stderr.write(`${[message, nextStep, detail].filter((text) => text !== undefined).join('\n')}\n`);
  process.exitCode = 1;
}
