import { mkdtempSync } from 'node:fs';
import path from 'node:path';
import { createDevices } from '../../electron/core/devices/devices.ts';
import { forkEngine } from '../../electron/hosts/forkEngine.ts';
const root='/work/main'; const cache=mkdtempSync('/tmp/stopbath-wg-');
const devices = createDevices({ startEngine: () => forkEngine(path.join(root, 'electron/engine/process.ts'), path.join(cache,'cache'), path.join(root, 'assets')), modelFolder: root+'/assets/starter', dataFolder: cache, door: { fetch: () => Promise.reject(new Error('x')) }, onChange: () => undefined, onNotice: () => undefined, selfTestLimitMs: 560_000 });
console.time('t'); console.log(JSON.stringify(await devices.test('webgpu'))); console.timeEnd('t');
