import type { Browser, Page } from '@playwright/test';
import type { App } from '../app.ts';
import { withBrowserApp } from './browserApp.ts';
import { median, quantile, sum } from './stats.ts';
import { frameWork, traceCategories, type FrameWork } from './trace.ts';

/**
 * What a frame costs the page while runs go on and the strip is gone through. Headless Chromium draws in software here and
 * shares the cores with the engine, so a late frame need not be the page's doing. Three figures a scene tell them apart:
 * - intervals: between two animation callbacks; late is one and a half frames of 60 a second or more, for which nothing but
 *   a dropped frame can be the reason (the callbacks of even an idle page jitter around 16.7 ms);
 * - work: time that the main thread was at work between two callbacks (scripts, layout, paint), over 16.7 ms;
 * - cpu: the same in processor time, without what other processes took of it.
 * `blank` scenes are the same browser with nothing but the callbacks: the noise of the machine.
 */

export interface FrameFigures {
  readonly scene: string;
  readonly frames: number;
  readonly intervalMsP50: number;
  readonly intervalMsP99: number;
  readonly lateIntervals: number;
  readonly workMsP50: number;
  readonly workMsP99: number;
  readonly workOver: number;
  readonly cpuMsP99: number;
  readonly cpuOver: number;
}

export const frameMs = 1000 / 60;
const lateMs = 1.5 * frameMs;
const sceneMs = 8_000;

interface Scene {
  readonly name: string;
  /** Brings the page to where the scene begins. */
  readonly before: (app: App) => Promise<void>;
  /** What a hand does meanwhile. */
  readonly during: (page: Page, until: number) => Promise<void>;
}

const rest = async (page: Page, until: number): Promise<void> => {
  await page.waitForTimeout(Math.max(0, until - Date.now()));
};

/** As a key that is held down: about thirty times a second, to one end of the strip and back. */
async function scrubByKeys(page: Page, until: number): Promise<void> {
  await page.getByTestId('strip').focus();
  for (let press = 0; Date.now() < until; press++) {
    await page.keyboard.press(Math.floor(press / 20) % 2 === 0 ? 'ArrowLeft' : 'ArrowRight');
    await page.waitForTimeout(30);
  }
}

async function scrubByPointer(page: Page, until: number): Promise<void> {
  const box = await page.getByTestId('strip').boundingBox();
  if (box === null) throw new Error('The strip is not on the screen.');
  const width = Math.min(box.width, 900);
  for (let move = 0; Date.now() < until; move++) {
    const share = Math.abs(((move / 60) % 2) - 1);
    await page.mouse.move(box.x + 4 + share * (width - 8), box.y + box.height / 2);
    await page.waitForTimeout(16);
  }
}

/** Enough runs behind one another for a whole scene. */
async function generate({ studio }: App, pace: 'Full speed' | 'Watch'): Promise<void> {
  await studio.fill({ prompt: 'a red house and a pine tree on white snow', steps: 30, pace, pictures: pace === 'Watch' ? 6 : 40 });
  await studio.generate.click();
  await studio.waitForSteps(4);
}

async function finish({ page, studio }: App): Promise<void> {
  await studio.fill({ prompt: 'a red house', steps: 30, pace: 'Full speed', pictures: 1 });
  await studio.generate.click();
  await studio.waitFor('finished');
  await page.mouse.move(5, 5);
}

async function blank({ page }: App): Promise<void> {
  await page.goto('about:blank');
}

const nothing = async (): Promise<void> => undefined;

const scenes: readonly Scene[] = [
  { name: 'blank, engine idle', before: blank, during: rest },
  { name: 'blank, engine at full speed', before: (app) => generate(app, 'Full speed').then(() => blank(app)), during: rest },
  { name: 'app, nothing runs', before: nothing, during: rest },
  { name: 'runs at full speed', before: (app) => generate(app, 'Full speed'), during: rest },
  { name: 'runs at the default pace', before: (app) => generate(app, 'Watch'), during: rest },
  { name: 'finished run, arrow keys', before: finish, during: scrubByKeys },
  { name: 'runs at full speed, arrow keys', before: (app) => generate(app, 'Full speed'), during: scrubByKeys },
  { name: 'runs at full speed, pointer on the strip', before: (app) => generate(app, 'Full speed'), during: scrubByPointer },
  { name: 'runs at the default pace, arrow keys', before: (app) => generate(app, 'Watch'), during: scrubByKeys },
  { name: 'runs at the default pace, pointer on the strip', before: (app) => generate(app, 'Watch'), during: scrubByPointer },
];

/** Asks for an animation callback at every frame, so that every frame is one to be counted. */
async function keepFrames(page: Page): Promise<void> {
  await page.evaluate(() => {
    const next = (): void => {
      requestAnimationFrame(next);
    };
    next();
  });
}

async function record(browser: Browser, page: Page, during: Scene['during']): Promise<FrameWork[]> {
  await keepFrames(page);
  await page.waitForTimeout(300);
  await browser.startTracing(page, { categories: [...traceCategories] });
  await during(page, Date.now() + sceneMs);
  return frameWork(await browser.stopTracing());
}

function share(frames: readonly number[], over: number): number {
  return frames.length === 0 ? Number.NaN : frames.filter((ms) => ms > over).length / frames.length;
}

export async function measureFrames(only: string | null): Promise<FrameFigures[]> {
  const figures: FrameFigures[] = [];
  for (const scene of scenes.filter(({ name }) => only === null || name.includes(only))) {
    figures.push(
      await withBrowserApp(async (app, browser) => {
        await app.studio.ready();
        await scene.before(app);
        const frames = await record(browser, app.page, scene.during);
        const [intervals, work, cpu] = [frames.map(({ intervalMs }) => intervalMs), frames.map(({ workMs }) => workMs), frames.map(({ cpuMs }) => cpuMs)];
        return {
          scene: scene.name,
          frames: frames.length,
          intervalMsP50: median(intervals),
          intervalMsP99: quantile(intervals, 0.99),
          lateIntervals: share(intervals, lateMs),
          workMsP50: median(work),
          workMsP99: quantile(work, 0.99),
          workOver: share(work, frameMs),
          cpuMsP99: quantile(cpu, 0.99),
          cpuOver: share(cpu, frameMs),
        };
      }),
    );
  }
  return figures;
}

export function framesTable(figures: readonly FrameFigures[]): string {
  const percent = (value: number): string => `${(100 * value).toFixed(2)} %`;
  const rows = figures.map((row) => [
    row.scene,
    String(row.frames),
    row.intervalMsP50.toFixed(1),
    row.intervalMsP99.toFixed(1),
    percent(row.lateIntervals),
    row.workMsP50.toFixed(1),
    row.workMsP99.toFixed(1),
    percent(row.workOver),
    row.cpuMsP99.toFixed(1),
    percent(row.cpuOver),
  ]);
  const head = ['scene', 'frames', 'interval p50', 'p99', 'late', 'work p50', 'p99', 'over 16.7 ms', 'cpu p99', 'over 16.7 ms'];
  const widths = head.map((_, column) => Math.max(...[head, ...rows].map((row) => row[column]?.length ?? 0)));
  const lines = [head, ...rows].map((row) => row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  '));
  return `${lines.join('\n')}\n(${sum(figures.map(({ frames }) => frames))} frames)`;
}
