import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import path from 'node:path';

/** `npm test`: build, types, lint, unit tests, browser specs, in that order, and one closing line with the counts. */

const root = path.resolve(import.meta.dirname, '..');
const results = path.join(root, 'test-results');

interface Counts {
  passed: number;
  failed: number;
  skipped: number;
}

function run(title: string, command: string, args: readonly string[], env: NodeJS.ProcessEnv = {}): boolean {
  console.log(`\n--- ${title}`);
  const started = performance.now();
  const { status } = spawnSync(command, args, { cwd: root, stdio: 'inherit', env: { ...process.env, ...env }, shell: process.platform === 'win32' });
  console.log(`--- ${title}: ${status === 0 ? 'ok' : 'FAILED'} (${((performance.now() - started) / 1000).toFixed(0)} s)`);
  return status === 0;
}

function readJson(file: string): Record<string, unknown> | null {
  return existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as Record<string, unknown>) : null;
}

const count = (value: unknown): number => (typeof value === 'number' ? value : 0);

function vitestCounts(file: string): Counts {
  const report = readJson(file) ?? {};
  return {
    passed: count(report['numPassedTests']),
    failed: count(report['numFailedTests']) + count(report['numFailedTestSuites']),
    skipped: count(report['numPendingTests']),
  };
}

function playwrightCounts(file: string): Counts {
  const stats = (readJson(file)?.['stats'] ?? {}) as Record<string, unknown>;
  return {
    passed: count(stats['expected']) + count(stats['flaky']),
    failed: count(stats['unexpected']),
    skipped: count(stats['skipped']),
  };
}

rmSync(results, { recursive: true, force: true });
mkdirSync(results, { recursive: true });
const unitReport = path.join(results, 'unit.json');
const specReport = path.join(root, 'playwright-report', 'specs.json');

const checks = [
  run('build', 'npm', ['run', '-s', 'build']),
  run('types', 'npm', ['run', '-s', 'typecheck']),
  run('lint', 'npm', ['run', '-s', 'lint']),
];
const unitOk = run('unit tests', 'vitest', ['run', '--reporter=default', '--reporter=json', `--outputFile.json=${unitReport}`]);
const unit = vitestCounts(unitReport);
const specsOk = run('browser specs', 'playwright', ['test', '--reporter=list,json'], { PLAYWRIGHT_JSON_OUTPUT_FILE: specReport });
const specs = playwrightCounts(specReport);

const ok = checks.every(Boolean) && unitOk && specsOk && unit.passed > 0 && specs.passed > 0;
const brokenChecks = checks.filter((passed) => !passed).length + (unitOk || unit.failed > 0 ? 0 : 1) + (specsOk || specs.failed > 0 ? 0 : 1);
console.log('');
console.log(`${unit.passed + specs.passed} passed, ${unit.failed + specs.failed + brokenChecks} failed, ${unit.skipped + specs.skipped} skipped`);
process.exitCode = ok ? 0 : 1;
