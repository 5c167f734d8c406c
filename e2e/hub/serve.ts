import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { syntheticContent } from './content.ts';
import { tinyOnnx } from './model.ts';
import { filesOf, startHub } from './server.ts';

/**
 * The test hub by itself, to try downloads by hand: `stopbath/starter` is the built-in model as a repository (it runs),
 * `stopbath/large` a model of some size that does not, `stopbath/gated` asks for a token (`hf_test`).
 *
 *     node e2e/hub/serve.ts [--mib 300] [--speed 10]      (speed: MiB a second and connection)
 */
const { values } = parseArgs({ options: { mib: { type: 'string', default: '300' }, speed: { type: 'string' } } });
const hub = await startHub();
const starter = filesOf(join(import.meta.dirname, '../../assets/starter'));
hub.put('stopbath/starter', starter);
hub.put('stopbath/gated', starter, { gated: true, license: 'openrail++' });
hub.put('stopbath/large', { ...tinyOnnx(), 'unet/model.onnx_data': syntheticContent(Number(values.mib) * 2 ** 20, 7) });
hub.tokens.add('hf_test');
hub.bytesPerSecond = values.speed === undefined ? null : Number(values.speed) * 2 ** 20;
console.log(`STOPBATH_HUB=${hub.url} STOPBATH_HUB_HOSTS=${hub.cdnHost}`);
