import { spawn } from 'node:child_process';
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

/** Runs one check, its output shown as it comes, or all at its end where it runs beside another. */
function run(title: string, command: string, args: readonly string[], { env = {}, isBeside = false }: { env?: NodeJS.ProcessEnv; isBeside?: boolean } = {}): Promise<boolean> {
  if (!isBeside) console.log(`\n--- ${title}`);
  const started = performance.now();
  const child = spawn(command, args, { cwd: root, stdio: ['ignore', isBeside ? 'pipe' : 'inherit', isBeside ? 'pipe' : 'inherit'], env: { ...process.env, ...env }, shell: process.platform === 'win32' });
  let output = isBeside ? `\n--- ${title}\n` : '';
  for (const stream of [child.stdout, child.stderr]) stream?.setEncoding('utf8').on('data', (text: string) => (output += text));
  return new Promise((resolve) => {
    child.on('error', (error) => (output += `${String(error)}\n`));
    child.on('close', (code) => {
      console.log(`${output}--- ${title}: ${code === 0 ? 'ok' : 'FAILED'} (${((performance.now() - started) / 1000).toFixed(0)} s)`);
      resolve(code === 0);
    });
  });
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

const built = await run('build', 'npm', ['run', '-s', 'build']);
// Each keeps one core busy.
const read = await Promise.all([run('types', 'npm', ['run', '-s', 'typecheck']), run('lint', 'npm', ['run', '-s', 'lint'], { isBeside: true })]);
const checks = [built, ...read];
const unitOk = await run('unit tests', 'vitest', ['run', '--reporter=default', '--reporter=json', `--outputFile.json=${unitReport}`]);
const unit = vitestCounts(unitReport);
const specsOk = await run('browser specs', 'playwright', ['test', '--reporter=list,json'], { env: { PLAYWRIGHT_JSON_OUTPUT_FILE: specReport } });
const specs = playwrightCounts(specReport);

const ok = checks.every(Boolean) && unitOk && specsOk && unit.passed > 0 && specs.passed > 0;
const brokenChecks = checks.filter((passed) => !passed).length + (unitOk || unit.failed > 0 ? 0 : 1) + (specsOk || specs.failed > 0 ? 0 : 1);
console.log('');
console.log(`${unit.passed + specs.passed} passed, ${unit.failed + specs.failed + brokenChecks} failed, ${unit.skipped + specs.skipped} skipped`);
process.exitCode = ok ? 0 : 1;
