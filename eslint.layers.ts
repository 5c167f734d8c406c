import path from 'node:path';
import type { Rule } from 'eslint';
import type { Expression } from 'estree';

type Room = readonly [prefix: string, mayImport: readonly string[]];

/**
 * The import table of the house: the folder says what a file may touch. Each entry is [folder prefix, prefixes it may
 * import from besides its own folder]. The first prefix that fits a file is its room; more special rooms come first.
 */
export const rooms: readonly Room[] = [
  ['shared', []],
  ['renderer/src/features', ['shared', 'renderer/src/ui', 'renderer/src/stores', 'renderer/src/i18n', 'renderer/src/bridge']],
  ['renderer/src/ui', []],
  ['renderer/src/stores', ['shared', 'renderer/src/bridge']],
  ['renderer/src', ['shared']],
  ['electron/media', ['shared']],
  ['electron/system', ['shared']],
  ['electron/engine/tensor', ['shared']],
  ['electron/engine/schedulers', ['shared', 'electron/engine/tensor', 'electron/engine/guidance']],
  ['electron/engine/guidance', ['shared', 'electron/engine/tensor']],
  ['electron/engine/latents', ['shared', 'electron/engine/tensor']],
  ['electron/engine/text', ['shared', 'electron/engine/tensor']],
  ['electron/engine/ort', ['shared', 'electron/system', 'electron/engine/tensor', 'electron/engine/graph']],
  ['electron/engine/images', ['shared', 'electron/engine/tensor']],
  [
    'electron/engine/callbacks',
    [
      'shared',
      'electron/engine/tensor',
      'electron/engine/schedulers',
      'electron/engine/guidance',
      'electron/engine/latents',
      'electron/engine/text',
    ],
  ],
  ['electron/engine/sandbox', ['shared', 'electron/engine/tensor', 'electron/engine/callbacks']],
  [
    'electron/engine/pipelines',
    [
      'shared',
      'electron/engine/tensor',
      'electron/engine/schedulers',
      'electron/engine/guidance',
      'electron/engine/latents',
      'electron/engine/text',
    ],
  ],
  [
    'electron/engine/doctor',
    [
      'shared',
      'electron/engine/tensor',
      'electron/engine/schedulers',
      'electron/engine/guidance',
      'electron/engine/latents',
      'electron/engine/text',
      'electron/engine/pipelines',
    ],
  ],
  ['electron/engine', ['shared', 'electron/media', 'electron/system']],
  ['electron/core', ['shared', 'electron/media', 'electron/system']],
  ['electron/hosts', ['shared', 'electron/core']],
  ['electron/desktop', ['shared', 'electron/core']],
  ['electron', ['shared', 'electron/core', 'electron/desktop', 'electron/hosts']],
  ['e2e', ['']],
];

const onlyEngineMayOpenTheRuntime = ['electron/engine/engine.ts', 'electron/engine/headless.ts', 'electron/engine/process.ts'];

/** Packages that only some rooms may import. */
const doors: readonly Room[] = [
  ['onnxruntime-node', ['electron/engine/ort', 'e2e']],
  ['electron', ['electron/main.ts', 'electron/boot.ts', 'electron/preload.ts', 'electron/desktop', 'electron/hosts/electronHost.ts', 'e2e']],
  ['quickjs-emscripten-core', ['electron/engine/sandbox']],
  ['@jitl/quickjs-singlefile-mjs-release-sync', ['electron/engine/sandbox']],
  ['@huggingface/hub', ['electron/core/hub']],
  ['ws', ['electron/hosts', 'e2e']],
  ['react', ['renderer']],
  ['zod', ['shared', 'electron', 'renderer', 'e2e']],
];

const within = (file: string, prefix: string): boolean =>
  prefix === '' || file === prefix || file.startsWith(`${prefix}/`) || file.startsWith(`${prefix}.`);

/** Why the file `from` (path from the root, `/` separated) may not import `specifier`, or null. */
export function importFault(from: string, specifier: string): string | null {
  if (/\.test\.tsx?$/.test(from)) return null;
  if (!specifier.startsWith('.')) {
    if (specifier.startsWith('node:')) {
      return within(from, 'shared') || within(from, 'renderer') ? `${from} runs in a page too: no Node module there` : null;
    }
    const name = specifier.startsWith('@') ? specifier.split('/').slice(0, 2).join('/') : specifier.split('/')[0];
    const door = doors.find(([pkg]) => pkg === name);
    if (door !== undefined && !door[1].some((prefix) => within(from, prefix))) return `${name} is imported by ${door[1].join(', ')} only`;
    if (within(from, 'shared') && name !== 'zod') return 'shared imports nothing but zod';
    return null;
  }
  const target = path.posix.normalize(path.posix.join(path.posix.dirname(from), specifier));
  const room = rooms.find(([prefix]) => within(from, prefix));
  const targetRoom = rooms.find(([prefix]) => within(target, prefix));
  if (room === undefined || targetRoom === undefined) return null;
  if (room[0] === 'renderer/src/features' && targetRoom[0] === room[0]) {
    const feature = (file: string) => file.split('/')[3];
    return feature(from) === feature(target) ? null : 'a feature may not import the inside of another feature';
  }
  if (within(target, 'electron/engine/ort') && !within(from, 'electron/engine/ort')) {
    const opener = onlyEngineMayOpenTheRuntime.includes(from) || within(from, 'e2e');
    return opener ? null : 'only engine.ts (and the two entries) opens electron/engine/ort';
  }
  if (room === targetRoom || room[1].some((prefix) => within(target, prefix))) return null;
  // A file at the top of a room may use the rooms below it.
  if (within(target, room[0]) && room[0] !== 'electron') return null;
  return `${room[0]} may not import ${targetRoom[0]}`;
}

/** ESLint rule `layers/imports`. */
export const layers: { rules: Record<string, Rule.RuleModule> } = {
  rules: {
    imports: {
      meta: { type: 'problem', schema: [] },
      create(context) {
        const from = path.relative(context.cwd, context.filename).split(path.sep).join('/');
        const check = (node: { source?: Expression | null | undefined }): void => {
          if (node.source?.type !== 'Literal' || typeof node.source.value !== 'string') return;
          const fault = importFault(from, node.source.value);
          if (fault !== null) context.report({ node: node.source, message: fault });
        };
        return {
          ImportDeclaration: check,
          ExportNamedDeclaration: check,
          ExportAllDeclaration: check,
          ImportExpression: check,
        };
      },
    },
  },
};
