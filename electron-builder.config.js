/**
 * Packs the built app. Everything but onnxruntime-node is bundled into out/, so hardly any of node_modules is needed.
 * Each system is packed on itself: the native files are those of the machine that installed them.
 */

const runtime = 'node_modules/onnxruntime-node/bin/napi-v6';

/** Native files of the other systems, and of the other processors of this one. */
const foreignNatives = [
  ...['linux', 'darwin', 'win32']
    .filter((system) => system !== process.platform)
    .map((system) => `!${runtime}/${system}/**`),
  `!${runtime}/${process.platform}/!(\${arch})/**`,
];

/** @type {import('electron-builder').Configuration} */
const config = {
  appId: 'io.github.stopbath.Stopbath',
  productName: 'Stopbath',
  copyright: 'MIT licence',
  icon: 'assets/icons/icon.png',
  directories: { output: 'dist' },
  // Top level only: a list of exclusions under a platform would pull in everything else.
  files: [
    'out/**',
    '!out/**/*.map',
    'package.json',
    // Everything else is bundled into out/, or was needed only to install.
    '!node_modules/!(onnxruntime-node|onnxruntime-common)/**',
    '!node_modules/onnxruntime-*/{lib,script}/**',
    '!node_modules/**/*.{map,ts}',
    ...foreignNatives,
  ],
  asar: true,
  // Native code opens files by itself and knows nothing of app.asar.
  asarUnpack: ['**/*.node', '**/*.so', '**/*.so.*', '**/*.dll', '**/*.dylib'],
  extraResources: [
    { from: 'assets/starter', to: 'assets/starter', filter: ['**/*', '!recipe/**'] },
    { from: 'assets/tokenizers', to: 'assets/tokenizers' },
  ],
  npmRebuild: false,
  electronFuses: {
    runAsNode: false,
    enableCookieEncryption: true,
    enableNodeOptionsEnvironmentVariable: false,
    enableNodeCliInspectArguments: false,
    enableEmbeddedAsarIntegrityValidation: true,
    onlyLoadAppFromAsar: true,
    loadBrowserProcessSpecificV8Snapshot: false,
    grantFileProtocolExtraPrivileges: false,
    // The ninth, wasmTrapHandlers, is on in Electron as it comes; electron-builder has no name for it.
  },
  linux: { target: ['AppImage', 'deb'], category: 'Graphics', maintainer: 'Stopbath' },
  mac: { target: ['dmg', 'zip'], category: 'public.app-category.graphics-design', hardenedRuntime: true },
  win: { target: ['nsis'] },
  publish: null,
};

export default config;
