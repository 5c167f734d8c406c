import type { CommandId } from '../../../shared/commands.ts';
import { commands } from '../../../shared/commands.ts';
import { assertNever } from '../../../shared/errors.ts';
import type { Picture } from '../../../shared/job.ts';
import { appStore } from './app.ts';
import { setForm } from './form.ts';
import { activeJob, jobsStore } from './jobs.ts';
import { moveLook } from './lookBack.ts';
import { copyPicture, pictureInCanvas, revealPicture, savePicture } from './pictureActions.ts';
import { generate, guidanceOff, newSeed, stopRun } from './runActions.ts';
import { canPause, stepRun, togglePause } from './runControl.ts';
import { isTurnedToStart } from './stageSide.ts';
import { viewStore } from './view.ts';

export function isCommandId(text: string): text is CommandId {
  return commands.some((command) => command.id === text);
}

function seenPicture(): Picture | null {
  return isTurnedToStart() ? null : pictureInCanvas();
}

/** Whether a command does anything as things stand; a key of one that does not keeps its usual meaning. */
export function canRun(id: CommandId): boolean {
  const { link, ready } = appStore.getState();
  switch (id) {
    case 'generate':
      return ready && link === 'open';
    case 'stop':
    case 'guidance-off':
      return link === 'open' && activeJob(jobsStore.getState()) !== null;
    case 'pause':
    case 'step-once':
      return link === 'open' && canPause(activeJob(jobsStore.getState()));
    case 'save-as':
    case 'copy-picture':
      return seenPicture() !== null;
    case 'reveal':
      return seenPicture() !== null && appStore.getState().info?.canReveal === true;
    default:
      return true;
  }
}

export function runCommand(id: CommandId): void {
  if (!canRun(id)) return;
  const picture = seenPicture();
  switch (id) {
    case 'generate':
      void generate();
      return;
    case 'stop':
      stopRun();
      return;
    case 'pause':
      togglePause();
      return;
    case 'step-once':
      stepRun();
      return;
    case 'guidance-off':
      guidanceOff();
      return;
    case 'new-seed':
      newSeed();
      return;
    case 'task-text':
      setForm({ task: 'text-to-image' });
      return;
    case 'task-image':
      setForm({ task: 'image-to-image' });
      return;
    case 'task-inpaint':
      setForm({ task: 'inpaint' });
      return;
    case 'save-as':
      if (picture !== null) void savePicture(picture);
      return;
    case 'copy-picture':
      if (picture !== null) void copyPicture(picture);
      return;
    case 'reveal':
      if (picture !== null) void revealPicture(picture);
      return;
    case 'models':
    case 'settings':
    case 'shortcuts':
      viewStore.setState({ dialog: id });
      return;
    case 'previous-step':
      moveLook(-1);
      return;
    case 'next-step':
      moveLook(1);
      return;
    default:
      assertNever(id);
  }
}
