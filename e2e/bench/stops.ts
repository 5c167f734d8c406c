import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import type { Page } from '@playwright/test';
import type { App } from '../app.ts';
import { withBrowserApp } from './browserApp.ts';
import { callTimesEnv, readCallTimes } from './callTimes.ts';

export interface StopSample {
  /** From the click to the changed screen, ms, painted. */
  readonly acknowledgedMs: number;
  /** From the click to the word that the run has stopped, ms. */
  readonly stoppedMs: number;
  /** From the click to the word that the run that waited behind it is being loaded, ms. */
  readonly nextLoadsMs: number;
  /** From the click to the first finished step of that run, ms: text encoding and a step are in it. */
  readonly nextStepMs: number;
  /** UNet calls of this run that ended after the click, by the engine's own clock. */
  readonly callsAfter: number;
}

/** As the app labels them. */
type Pace = 'Watch' | 'Full speed';

/** An event of a job and when the page heard it, milliseconds of its own clock. */
interface Heard {
  readonly at: number;
  readonly kind: string;
  readonly jobId: string;
}

interface Clicked {
  readonly clickedAt: number;
  readonly acknowledgedMs: number;
  readonly jobId: string;
}

/** Notes every job event in the moment the page gets it, before the interface does. */
function listenInPage(): void {
  const heard: Heard[] = [];
  Object.assign(window, { heard });
  window.WebSocket = class extends WebSocket {
    constructor(url: string | URL, protocols?: string | string[]) {
      super(url, protocols);
      this.addEventListener('message', ({ data }: MessageEvent<string>) => {
        if (typeof data !== 'string' || !data.startsWith('{"event":"job"')) return;
        const { value } = JSON.parse(data) as { value: { kind: string; jobId: string } };
        heard.push({ at: performance.now(), kind: value.kind, jobId: value.jobId });
      });
    }
  };
}

/** Presses Stop in the page and waits until the answer is painted. */
async function clickStop(page: Page): Promise<Clicked> {
  return await page.evaluate(async () => {
    const { heard } = window as unknown as { heard: Heard[] };
    const canvas = document.querySelector('[data-testid=canvas]');
    const button = document.querySelector<HTMLButtonElement>('[data-testid=stop]');
    if (canvas === null || button === null) throw new Error('No canvas or no Stop button.');
    const jobId = heard.findLast(({ kind }) => kind === 'step')?.jobId ?? '';
    const clickedAt = performance.now();
    const acknowledgedMs = new Promise<number>((resolve, reject) => {
      setTimeout(() => reject(new Error('Stop was not answered in 10 s.')), 10_000);
      const observer = new MutationObserver(() => {
        const state = canvas.getAttribute('data-state');
        if (state !== 'stopping' && state !== 'stopped') return;
        observer.disconnect();
        // The frame that shows it has been drawn once a task behind its animation callbacks runs.
        requestAnimationFrame(() => {
          const painted = new MessageChannel();
          painted.port1.onmessage = () => resolve(performance.now() - clickedAt);
          painted.port2.postMessage(null);
        });
      });
      observer.observe(canvas, { attributes: true });
    });
    button.click();
    return { clickedAt, acknowledgedMs: await acknowledgedMs, jobId };
  });
}

async function heardInPage(page: Page): Promise<Heard[]> {
  return await page.evaluate(() => (window as unknown as { heard: Heard[] }).heard);
}

/** How far the page's clock is ahead of ours, ms: from the quickest of some questions, to half of what that took. */
async function clockAhead(page: Page): Promise<number> {
  const now = (): number => performance.timeOrigin + performance.now();
  let best = { tookMs: Infinity, ahead: 0 };
  for (let trial = 0; trial < 20; trial++) {
    const asked = now();
    const theirs = await page.evaluate(() => performance.timeOrigin + performance.now());
    const tookMs = now() - asked;
    if (tookMs < best.tookMs) best = { tookMs, ahead: theirs - (asked + tookMs / 2) };
  }
  return best.ahead;
}

type ByPage = Omit<StopSample, 'callsAfter'>;

/** @returns null while not all of it was heard */
function sampleOf({ clickedAt, acknowledgedMs, jobId }: Clicked, heard: readonly Heard[]): ByPage | null {
  const after = heard.filter(({ at }) => at > clickedAt);
  const stopped = after.find((event) => event.jobId === jobId && event.kind === 'stopped');
  const next = after.find((event) => event.jobId !== jobId && event.kind === 'loading');
  const step = after.find((event) => event.jobId === next?.jobId && event.kind === 'step');
  if (stopped === undefined || next === undefined || step === undefined) return null;
  return { acknowledgedMs, stoppedMs: stopped.at - clickedAt, nextLoadsMs: next.at - clickedAt, nextStepMs: step.at - clickedAt };
}

/** Presses Stop in a real browser at moments spread over the run, with another run waiting behind it each time. */
export async function measureStops(count: number, pace: Pace): Promise<StopSample[]> {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'stopbath-calls-'));
  const file = path.join(folder, 'calls.txt');
  try {
    return await withBrowserApp((app) => pressStops(app, count, pace, file), callTimesEnv(file));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function pressStops({ page, studio }: App, count: number, pace: Pace, callTimesFile: string): Promise<StopSample[]> {
  await page.addInitScript(listenInPage);
  await page.reload();
  await studio.ready();
  await studio.fill({ prompt: 'a red house', steps: 500, seed: '1', pace });
  await studio.generate.click();
  const stops: { jobId: string; clickedAt: number; byPage: ByPage }[] = [];
  for (let index = 0; stops.length < count; index++) {
    // A machine so busy that runs end before they are stopped measures nothing.
    if (index > 2 * count) throw new Error(`Only ${stops.length} of ${index} stops met a run with another one waiting.`);
    // At the first: one to stop, later the one that was let go on.
    await studio.generate.click();
    await studio.waitForSteps(1);
    await studio.waitForSteps(2 + (index % 5) * 3);
    await page.waitForTimeout((index * 7) % 40);
    const clicked = await clickStop(page);
    let byPage: ByPage | null = null;
    for (const deadline = Date.now() + 10_000; byPage === null && Date.now() < deadline; ) {
      byPage = sampleOf(clicked, await heardInPage(page));
    }
    const origin = await page.evaluate(() => performance.timeOrigin);
    if (byPage !== null) stops.push({ jobId: clicked.jobId, clickedAt: origin + clicked.clickedAt, byPage });
    await page.evaluate(() => (window as unknown as { heard: Heard[] }).heard.splice(0, Infinity));
  }
  const ahead = await clockAhead(page);
  const { callEnds, stoppedAt } = readCallTimes(callTimesFile);
  return stops.map(({ jobId, clickedAt, byPage }) => {
    const end = stoppedAt.get(jobId) ?? -Infinity;
    return { ...byPage, callsAfter: callEnds.filter((at) => at > clickedAt - ahead && at <= end).length };
  });
}
