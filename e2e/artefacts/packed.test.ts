import { extractAll, listPackage } from '@electron/asar';
import { FuseState, FuseV1Options, getCurrentFuseWire } from '@electron/fuses';
import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { connectPage } from '../../electron/hosts/testing/webClient.ts';
import type { JobEvent } from '../../shared/job.ts';
import { ensureBuilt, root } from './build.ts';
import { makeElectronStub } from './electronStub.ts';

// Other systems want their own kind of Electron folder; there the packed app is looked at on the build machine.
describe.runIf(process.platform === 'linux')('the packed app', () => {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'stopbath-packed-'));
  const unpacked = path.join(folder, 'dist', process.arch === 'x64' ? 'linux-unpacked' : `linux-${process.arch}-unpacked`);
  const resources = path.join(unpacked, 'resources');
  const asar = path.join(resources, 'app.asar');
  let files: string[] = [];

  beforeAll(async () => {
    ensureBuilt();
    const stub = path.join(folder, 'stub');
    const { version } = createRequire(import.meta.url)('electron/package.json') as { version: string };
    await makeElectronStub(stub, version);
    const options = ['--dir', '--publish', 'never', '-c', 'electron-builder.config.js', `-c.electronDist=${stub}`];
    const cli = path.join(root, 'node_modules/electron-builder/cli.js');
    execFileSync(process.execPath, [cli, ...options, `-c.directories.output=${path.join(folder, 'dist')}`], { cwd: root, stdio: 'pipe' });
    files = listPackage(asar, { isPack: false }).map((file) => file.replace(/^[/\\]/, ''));
  }, 300_000);
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it('holds the built app and onnxruntime-node, nothing else', () => {
    const tops = new Set(files.map((file) => file.split('/').slice(0, file.startsWith('node_modules/') ? 2 : 1).join('/')));
    expect([...tops].sort()).toEqual(
      ['node_modules', 'node_modules/onnxruntime-common', 'node_modules/onnxruntime-node', 'out', 'package.json'].sort(),
    );
    expect(files.filter((file) => /\.(map|ts|tsx|test\.\w+)$/.test(file))).toEqual([]);
    for (const file of ['out/main/main.js', 'out/main/engine.js', 'out/preload/preload.cjs', 'out/renderer/index.html']) {
      expect(files).toContain(file);
    }
  });

  it('has the native files of this machine outside the archive, and no others', () => {
    const natives = files.filter((file) => /\.(node|dll|dylib)$|\.so(\.|$)/.test(file));
    expect(natives.some((file) => file.endsWith('onnxruntime_binding.node'))).toBe(true);
    for (const file of natives) {
      expect(file).toContain(`/linux/${process.arch}/`);
      expect(existsSync(path.join(`${asar}.unpacked`, file)), file).toBe(true);
    }
  });

  it('has the starter model where native code can open it, without its recipe', () => {
    const starter = path.join(resources, 'assets', 'starter');
    for (const file of ['starter.json', 'model_index.json', 'unet/model.onnx', 'vae_decoder/model.onnx', 'text_encoder/model.onnx']) {
      expect(existsSync(path.join(starter, file)), file).toBe(true);
    }
    expect(readdirSync(starter)).not.toContain('recipe');
    expect(files.filter((file) => file.endsWith('.onnx'))).toEqual([]);
  });

  it('has its fuses set', async () => {
    const wire = await getCurrentFuseWire(path.join(unpacked, 'stopbath'));
    const on = [
      FuseV1Options.EnableCookieEncryption,
      FuseV1Options.EnableEmbeddedAsarIntegrityValidation,
      FuseV1Options.OnlyLoadAppFromAsar,
      FuseV1Options.WasmTrapHandlers,
    ];
    const off = [
      FuseV1Options.RunAsNode,
      FuseV1Options.EnableNodeOptionsEnvironmentVariable,
      FuseV1Options.EnableNodeCliInspectArguments,
      FuseV1Options.LoadBrowserProcessSpecificV8Snapshot,
      FuseV1Options.GrantFileProtocolExtraPrivileges,
    ];
    for (const fuse of on) expect(wire[fuse], FuseV1Options[fuse]).toBe(FuseState.ENABLE);
    for (const fuse of off) expect(wire[fuse], FuseV1Options[fuse]).toBe(FuseState.DISABLE);
  });

  it('makes a picture from what is packed alone', async () => {
    const app = path.join(folder, 'extracted');
    extractAll(asar, app);
    cpSync(path.join(resources, 'assets'), path.join(app, 'assets'), { recursive: true });
    const host = spawn(process.execPath, [path.join(app, 'out', 'main', 'serve.js')], {
      cwd: folder,
      env: { ...process.env, STOPBATH_DATA: path.join(folder, 'data') },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    try {
      const { connection } = await connectPage(await printedAddress(host));
      const end = new Promise<JobEvent>((resolve) =>
        connection.onEvent((name, value) => {
          if (name !== 'job') return;
          const event = value as JobEvent;
          if (['finished', 'stopped', 'failed'].includes(event.kind)) resolve(event);
        }),
      );
      const [model] = await connection.call('models.list', {});
      if (model === undefined) throw new Error('The starter model is not there.');
      const { id: modelId, width, height, scheduler, guidanceScale } = model;
      await connection.call('jobs.submit', {
        count: 1,
        request: {
          task: 'text-to-image', modelId, width, height, scheduler, guidanceScale,
          prompt: 'a red house', negativePrompt: null, steps: 2, guidanceEnd: { kind: 'never' }, seed: '1',
        },
      });
      expect(await end).toMatchObject({ kind: 'finished' });
    } finally {
      host.kill('SIGTERM');
      await new Promise((resolve) => host.once('exit', resolve));
    }
  });
});

function printedAddress(host: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = '';
    host.stdout?.on('data', (chunk: Buffer) => {
      text += chunk.toString();
      const address = /http:\S+\n/.exec(text)?.[0].trim();
      if (address !== undefined) resolve(address);
    });
    host.once('exit', (code) => reject(new Error(`The web host ended with ${code}: ${text}`)));
  });
}
