import { builtinModules } from 'node:module';
import react from '@vitejs/plugin-react';
import { defineConfig, type UserConfig } from 'vite';

const nodeBuild = (
  entries: Record<string, string>,
  output: { format: 'es' | 'cjs'; extension: 'js' | 'cjs'; external: (string | RegExp)[] },
  outDir: string,
): UserConfig => ({
  logLevel: 'warn',
  publicDir: false,
  ssr: { noExternal: true, external: ['electron', 'onnxruntime-node'] },
  build: {
    ssr: true,
    outDir,
    emptyOutDir: true,
    target: 'node24',
    minify: false,
    sourcemap: true,
    chunkSizeWarningLimit: 1500,
    rolldownOptions: {
      input: entries,
      external: output.external,
      output: {
        format: output.format,
        entryFileNames: `[name].${output.extension}`,
        chunkFileNames: `chunks/[name]-[hash].${output.extension}`,
      },
    },
  },
});

const nodeExternals = [/^node:/, ...builtinModules, 'electron', 'onnxruntime-node'];

/** One file, three builds: `--mode main`, `--mode preload`, `--mode renderer`. */
export default defineConfig(({ mode }): UserConfig => {
  switch (mode) {
    case 'main':
      return nodeBuild(
        {
          main: 'electron/main.ts',
          engine: 'electron/engine/process.ts',
          sandbox: 'electron/engine/sandbox/worker.ts',
          serve: 'electron/hosts/serve.ts',
          start: 'electron/hosts/start.ts',
        },
        { format: 'es', extension: 'js', external: nodeExternals },
        'out/main',
      );
    case 'preload':
      // A sandboxed preload is loaded as CommonJS and may require nothing but electron.
      return nodeBuild(
        { preload: 'electron/preload.ts' },
        { format: 'cjs', extension: 'cjs', external: ['electron'] },
        'out/preload',
      );
    default:
      return {
        logLevel: 'warn',
        root: 'renderer',
        publicDir: '../assets/public',
        plugins: [react()],
        build: { outDir: '../out/renderer', emptyOutDir: true, target: 'chrome140', assetsInlineLimit: 0, chunkSizeWarningLimit: 1500 },
      };
  }
});
