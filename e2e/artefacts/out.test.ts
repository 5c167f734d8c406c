import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { builtinModules } from 'node:module';
import path from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { ensureBuilt, out, root } from './build.ts';

beforeAll(ensureBuilt, 180_000);

function read(file: string): string {
  return readFileSync(path.join(out, file), 'utf8');
}

/** Every module a built file loads: static, dynamic and by require. */
function imports(code: string): string[] {
  const patterns = [
    /^\s*(?:import|export)\b[^'"\n]*?\bfrom\s*["']([^"']+)["']/gm,
    /^\s*import\s*["']([^"']+)["']/gm,
    /\bimport\(\s*["']([^"']+)["']\s*\)/g,
    /(?<![.\w])require\(\s*["']([^"']+)["']\s*\)/g,
  ];
  const withoutComments = code.replaceAll(/^\s*\/?\*.*$/gm, '');
  return patterns.flatMap((pattern) => [...withoutComments.matchAll(pattern)].map((match) => match[1] ?? ''));
}

/** A built entry and every chunk it leads to. */
function reachable(entry: string, seen = new Map<string, string>()): Map<string, string> {
  if (seen.has(entry)) return seen;
  const code = read(entry);
  seen.set(entry, code);
  for (const name of imports(code).filter((specifier) => specifier.startsWith('.'))) {
    reachable(path.posix.join(path.posix.dirname(entry), name), seen);
  }
  return seen;
}

describe('the built preload', () => {
  it('is CommonJS in one file and requires electron alone', () => {
    const code = read('preload/preload.cjs');
    expect(readdirSync(path.join(out, 'preload')).filter((name) => !name.endsWith('.map'))).toEqual(['preload.cjs']);
    expect(code).not.toMatch(/^\s*(import|export)\s/m);
    expect(new Set(imports(code))).toEqual(new Set(['electron']));
  });
});

describe('the built main side', () => {
  it.each(['main/main.js', 'main/engine.js', 'main/serve.js', 'main/start.js'])('%s finds everything it loads', (entry) => {
    const known = new Set([...builtinModules, 'electron', 'onnxruntime-node']);
    for (const [file, code] of reachable(entry)) {
      // Optional speed-ups of ws, absent on purpose and guarded there.
      const bare = imports(code).filter((name) => !name.startsWith('.') && !['bufferutil', 'utf-8-validate'].includes(name));
      expect(bare.filter((name) => !name.startsWith('node:') && !known.has(name)), file).toEqual([]);
    }
  });

  it('keeps each process to what it may load', () => {
    const loads = (entry: string, name: string): boolean => [...reachable(entry).values()].some((code) => imports(code).includes(name));
    expect(loads('main/main.js', 'electron')).toBe(true);
    expect(loads('main/engine.js', 'onnxruntime-node')).toBe(true);
    for (const entry of ['main/engine.js', 'main/serve.js', 'main/start.js']) expect(loads(entry, 'electron'), entry).toBe(false);
    for (const entry of ['main/main.js', 'main/serve.js', 'main/start.js']) expect(loads(entry, 'onnxruntime-node'), entry).toBe(false);
  });

  it('awaits nothing at the top of main.js: Electron would never be ready', () => {
    const code = read('main/main.js');
    expect(code).not.toMatch(/^await\b|^(?:const|let|var)[^\n(]*=\s*await\b|^for await\b/m);
    expect(imports(code).some((name) => name.includes('boot'))).toBe(true);
  });

  it('names only paths that are there', () => {
    for (const file of ['out/main/engine.js', 'out/preload/preload.cjs', 'out/renderer/index.html', 'assets/starter/starter.json', 'package.json']) {
      expect(existsSync(path.join(root, file)), file).toBe(true);
    }
    const code = [...reachable('main/main.js').values()].join('\n');
    for (const name of ['"engine.js"', '"preload.cjs"', '"renderer"', '"starter"']) expect(code).toContain(name);
    const manifest: unknown = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8'));
    expect(manifest).toMatchObject({ main: 'out/main/main.js', type: 'module' });
  });
});

describe('the built interface', () => {
  const page = (): string => read('renderer/index.html');

  it('has nothing inline and nothing remote', () => {
    const html = page();
    expect(html).not.toMatch(/<style[\s>]/i);
    expect(html).not.toMatch(/\sstyle=/i);
    expect(html).not.toMatch(/\son\w+=/i);
    expect(html).not.toMatch(/(?:src|href)=["']?(?:https?:)?\/\//i);
    for (const [, attributes = '', body = ''] of html.matchAll(/<script\b([^>]*)>([\s\S]*?)<\/script>/gi)) {
      expect(attributes).toMatch(/\bsrc=/);
      expect(body.trim()).toBe('');
    }
  });

  it('refers only to files that are there', () => {
    const references = [...page().matchAll(/(?:src|href)="([^"#]+)"/g)].map((match) => match[1] ?? '');
    expect(references.length).toBeGreaterThan(0);
    for (const reference of references) expect(existsSync(path.join(out, 'renderer', reference)), reference).toBe(true);
  });

  it('loads nothing from the network in its styles', () => {
    const styles = readdirSync(path.join(out, 'renderer', 'assets')).filter((name) => name.endsWith('.css'));
    for (const name of styles) expect(read(`renderer/assets/${name}`)).not.toMatch(/url\(\s*["']?(?:https?:)?\/\/|@import/);
  });
});
