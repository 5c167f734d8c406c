import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { importFault } from '../../eslint.layers.ts';

const root = path.resolve(import.meta.dirname, '../..');

describe('the import table', () => {
  it.each([
    ['electron/core/jobs.ts', '../../shared/job.ts'],
    ['electron/hosts/webHost.ts', '../core/app.ts'],
    ['electron/engine/engine.ts', './ort/session.ts'],
    ['electron/engine/denoise.ts', './schedulers/scheduler.ts'],
    ['electron/engine/headless.ts', '../media/png.ts'],
    ['renderer/src/features/form/Form.tsx', '../../ui/Button.tsx'],
    ['renderer/src/features/form/Form.tsx', './Field.tsx'],
    ['renderer/src/App.tsx', './features/form/Form.tsx'],
    ['electron/boot.ts', './desktop/menu.ts'],
  ])('%s may import %s', (from, specifier) => {
    expect(importFault(from, specifier)).toBeNull();
  });

  it.each([
    ['shared/job.ts', '../electron/core/jobs.ts'],
    ['shared/job.ts', 'node:fs'],
    ['shared/job.ts', 'react'],
    ['electron/core/jobs.ts', '../engine/denoise.ts'],
    ['electron/core/jobs.ts', '../hosts/webHost.ts'],
    ['electron/core/jobs.ts', 'electron'],
    ['electron/engine/denoise.ts', './ort/session.ts'],
    ['electron/engine/denoise.ts', 'onnxruntime-node'],
    ['electron/engine/schedulers/euler.ts', '../pipelines/pipeline.ts'],
    ['electron/engine/callbacks/preview.ts', '../pipelines/pipeline.ts'],
    ['electron/hosts/webHost.ts', '../engine/engine.ts'],
    ['renderer/src/ui/Button.tsx', '../features/form/Form.tsx'],
    ['renderer/src/features/form/Form.tsx', '../canvas/Canvas.tsx'],
    ['renderer/src/stores/jobs.ts', '../../../electron/core/jobs.ts'],
    ['renderer/src/App.tsx', 'node:fs'],
  ])('%s may not import %s', (from, specifier) => {
    expect(importFault(from, specifier)).not.toBeNull();
  });
});

describe('documents', () => {
  it.each(['ARCHITECTURE.md', 'README.md'])('every path that %s names exists', (name) => {
    const text = readFileSync(path.join(root, name), 'utf8');
    const paths = [...text.matchAll(/`((?:electron|renderer|shared|assets|e2e|\.ci|\.github)\/[^`\s*<>{}]*)`/g)].map((match) => match[1] ?? '');
    expect(paths.length).toBeGreaterThan(3);
    expect(paths.filter((entry) => !existsSync(path.join(root, entry)))).toEqual([]);
  });

  it('ARCHITECTURE.md stays within two pages', () => {
    expect(readFileSync(path.join(root, 'ARCHITECTURE.md'), 'utf8').split('\n').length).toBeLessThanOrEqual(130);
  });

  it('no tracked file names a registry or an absolute work path', () => {
    const files = execFileSync('git', ['ls-files', '*.json', '*.md', '*.ts', '*.tsx', '*.yml', '*.py', '.ci/*', '.npmrc'], { cwd: root, encoding: 'utf8' });
    const bad = files
      .split('\n')
      .filter((file) => file !== '' && file !== 'e2e/layers/layers.test.ts' && existsSync(path.join(root, file)))
      .filter((file) => /"resolved": "https?:|\/work\/(main|train|shared)/.test(readFileSync(path.join(root, file), 'utf8')));
    expect(bad).toEqual([]);
  });
});
