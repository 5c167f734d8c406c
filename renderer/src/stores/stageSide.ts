import { createStore } from 'zustand/vanilla';
import { appStore } from './app.ts';
import { formStore } from './form.ts';
import { activeJob, jobsStore } from './jobs.ts';
import { viewStore } from './view.ts';

/** What the stage is turned to: the picture the next run starts from, or the runs and what came of them. */
export type StageSide = 'start' | 'result';

export interface StageSideState {
  readonly side: StageSide;
  /** The start picture is shown instead of the result for as long as a key or a button is held. */
  readonly comparing: boolean;
  /** The address of the run's frame that is on the screen now. */
  readonly onScreen: string;
}

export const stageSideStore = createStore<StageSideState>(() => ({ side: 'start', comparing: false, onScreen: '' }));

export function turnStage(side: StageSide): void {
  stageSideStore.setState({ side, comparing: false });
}

export function compare(comparing: boolean): void {
  if (stageSideStore.getState().comparing !== comparing) stageSideStore.setState({ comparing });
}

export function noteOnScreen(src: string): void {
  stageSideStore.setState({ onScreen: src });
}

/** Whether what came of the runs is out of sight: nothing is done to a picture that is not seen. */
export function isTurnedToStart(): boolean {
  return formStore.getState().task !== 'text-to-image' && stageSideStore.getState().side === 'start';
}

/** Keeps the stage on what was done last: a picture or a tab chosen turns it to the start, a run or a look back to the result. */
export function watchStageSide(): () => void {
  const stops = [
    formStore.subscribe((form, before) => {
      const taken = form.image !== null && form.image.id !== before.image?.id;
      if (form.task !== 'text-to-image' && (form.task !== before.task || taken)) turnStage('start');
    }),
    viewStore.subscribe((view, before) => {
      if (view.target !== before.target || (view.lookStep !== null && view.lookStep !== before.lookStep)) turnStage('result');
    }),
    appStore.subscribe((app, before) => {
      if (app.ready && !before.ready && activeJob(jobsStore.getState()) !== null) turnStage('result');
    }),
  ];
  return () => {
    for (const stop of stops) stop();
  };
}
