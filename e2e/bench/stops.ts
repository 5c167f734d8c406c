import type { Page } from '@playwright/test';
import { withBrowserApp } from './browserApp.ts';

export interface StopSample {
  /** From the click to the changed screen, ms, painted. */
  readonly acknowledgedMs: number;
  /** From the click to the word that the run has stopped, ms. */
  readonly stoppedMs: number;
  /** From the click to the word that the run that waited behind it is being loaded, ms. */
  readonly nextLoadsMs: number;
  /** From the click to the first finished step of that run, ms: text encoding and a step are in it. */
  readonly nextStepMs: number;
  /** Model calls that ended after the click, by the times that the steps themselves tell. */
  readonly callsAfter: number;
  /** The same as the page hears it, with what was on its way when it was clicked. */
  readonly callsHeardAfter: number;
}

/** An event of a job and when the page heard it, milliseconds of its own clock. */
interface Heard {
  readonly at: number;
  readonly kind: string;
  readonly jobId: string;
  /** Of a step. */
  readonly ms: number;
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
        const { value } = JSON.parse(data) as { value: { kind: string; jobId: string; step?: { ms: number } } };
        heard.push({ at: performance.now(), kind: value.kind, jobId: value.jobId, ms: value.step?.ms ?? 0 });
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

function sampleOf({ clickedAt, acknowledgedMs, jobId }: Clicked, heard: readonly Heard[]): StopSample | null {
  const after = heard.filter(({ at }) => at > clickedAt);
  const stopped = after.find((event) => event.jobId === jobId && event.kind === 'stopped');
  const next = after.find((event) => event.jobId !== jobId && event.kind === 'loading');
  const step = after.find((event) => event.jobId === next?.jobId && event.kind === 'step');
  if (stopped === undefined || next === undefined || step === undefined) return null;
  // A run is told stopped within a turn of its last step's end: from there its steps are counted back.
  let end = stopped.at;
  let callsAfter = 0;
  for (const { ms } of heard.filter((event) => event.jobId === jobId && event.kind === 'step').reverse()) {
    if (end <= clickedAt) break;
    callsAfter++;
    end -= ms;
  }
  return {
    acknowledgedMs,
    stoppedMs: stopped.at - clickedAt,
    nextLoadsMs: next.at - clickedAt,
    nextStepMs: step.at - clickedAt,
    callsAfter,
    callsHeardAfter: after.filter((event) => event.jobId === jobId && event.kind === 'step').length,
  };
}

/** Presses Stop in a real browser at moments spread over the run, with another run waiting behind it each time. */
export async function measureStops(count: number): Promise<StopSample[]> {
  return await withBrowserApp(async ({ page, studio }) => {
    await page.addInitScript(listenInPage);
    await page.reload();
    await studio.ready();
    await studio.fill({ prompt: 'a red house', steps: 500, seed: '1', pace: 'Full speed' });
    await studio.generate.click();
    const samples: StopSample[] = [];
    for (let index = 0; samples.length < count; index++) {
      // A machine so busy that runs end before they are stopped measures nothing.
      if (index > 2 * count) throw new Error(`Only ${samples.length} of ${index} stops met a run with another one waiting.`);
      // At the first: one to stop, later the one that was let go on.
      await studio.generate.click();
      await studio.waitForSteps(1);
      await studio.waitForSteps(2 + (index % 5) * 3);
      await page.waitForTimeout((index * 7) % 40);
      const clicked = await clickStop(page);
      let sample: StopSample | null = null;
      for (const deadline = Date.now() + 10_000; sample === null && Date.now() < deadline; ) {
        sample = sampleOf(clicked, await heardInPage(page));
      }
      if (sample !== null) samples.push(sample);
      await page.evaluate(() => (window as unknown as { heard: Heard[] }).heard.splice(0, Infinity));
    }
    return samples;
  });
}
