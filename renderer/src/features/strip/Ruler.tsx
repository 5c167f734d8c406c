import { CirclePause, GitFork, Pause, SlidersHorizontal, Square } from 'lucide-react';
import { memo, useState, type CSSProperties, type KeyboardEvent, type ReactNode } from 'react';
import { isEnded, type JobSnapshot } from '../../../../shared/job.ts';
import { markTexts } from '../../i18n/markText.ts';
import { useText } from '../../i18n/useText.ts';
import { hasBreakpoint, toggleBreakpoint } from '../../stores/breakpoints.ts';
import type { RunMark } from '../../stores/runMarks.ts';
import { cx } from '../../ui/cx.ts';
import styles from './Ruler.module.css';

export interface RulerProps {
  readonly job: JobSnapshot;
  /** Places that are drawn: steps done and to come. */
  readonly length: number;
  readonly total: number;
  readonly marks: ReadonlyMap<number, readonly RunMark[]>;
}

/** Under the frames: what was done after which step, and where the run is to pause. One stop for the Tab key; arrows go along. */
export function Ruler({ job, length, total, marks }: RulerProps) {
  const { t } = useText();
  // The strip stays for the next run; its focus begins anew.
  const [at, setAt] = useState<{ readonly jobId: string; readonly stepIndex: number } | null>(null);
  const focused = at?.jobId === job.jobId ? at.stepIndex : null;
  const done = job.steps.length;
  // A run never pauses after its last step, nor where it has been.
  const last = total - 2;
  const isOpen = (stepIndex: number): boolean => !isEnded(job.state) && stepIndex >= done && stepIndex <= last;
  const first = Math.min(done, length - 1);
  const stop = focused !== null && isOpen(focused) ? focused : first;

  const go = (event: KeyboardEvent<HTMLDivElement>): void => {
    if (event.altKey || event.ctrlKey || event.metaKey) return;
    const to: Readonly<Record<string, number>> = { ArrowLeft: stop - 1, ArrowRight: stop + 1, Home: first, End: last };
    const next = to[event.key];
    if (next === undefined) return;
    event.preventDefault();
    const place = Math.min(Math.max(next, first), Math.min(last, length - 1));
    setAt({ jobId: job.jobId, stepIndex: place });
    event.currentTarget.querySelector<HTMLElement>(`[data-place="${String(place)}"]`)?.focus();
  };

  return (
    <div className={styles.ruler} role="group" aria-label={t('strip.ruler')} data-testid="ruler" onKeyDown={go}>
      {Array.from({ length }, (_, stepIndex) => (
        <Place
          key={stepIndex}
          jobId={job.jobId}
          stepIndex={stepIndex}
          past={stepIndex < done}
          open={isOpen(stepIndex)}
          stop={stepIndex === stop}
          set={hasBreakpoint(job.breakpoints, { kind: 'step', stepIndex })}
          marks={marks.get(stepIndex)}
          onFocused={setAt}
        />
      ))}
    </div>
  );
}

/** Without a change of the layout. */
const unseen: CSSProperties = { visibility: 'hidden' };

interface PlaceProps {
  readonly jobId: string;
  readonly stepIndex: number;
  readonly past: boolean;
  /** Whether a breakpoint may be here. */
  readonly open: boolean;
  /** Whether it is where the Tab key stops. */
  readonly stop: boolean;
  readonly set: boolean;
  readonly marks: readonly RunMark[] | undefined;
  onFocused(at: { readonly jobId: string; readonly stepIndex: number }): void;
}

/** As long as a run: each is drawn anew only when something of it changes, not at every step. */
const Place = memo(function Place({ jobId, stepIndex, past, open, stop, set, marks, onFocused }: PlaceProps) {
  const text = useText();
  const { t } = text;
  const step = stepIndex + 1;
  return (
    <div className={cx(styles.cell, past && styles.past)}>
      {/* Where the run has been it waits out of sight for the next run, which would have to make all of them at once. */}
      <button
        type="button"
        className={cx(styles.place, set && styles.set)}
        data-place={stepIndex}
        style={open ? undefined : unseen}
        tabIndex={stop ? 0 : -1}
        aria-pressed={set}
        aria-label={t('strip.pauseAfter', { step })}
        title={set ? t('strip.removeBreakpoint', { step }) : t('strip.pauseAfter', { step })}
        onFocus={() => onFocused({ jobId, stepIndex })}
        onClick={() => toggleBreakpoint(jobId, { kind: 'step', stepIndex })}
      />
      {marks === undefined ? null : (
        <span className={styles.mark} title={markTexts(marks, text).join('\n')} data-testid="mark" data-after={stepIndex} aria-hidden>
          {iconOf(marks)}
        </span>
      )}
    </div>
  );
});

/** Of several the one that says most: what changed the picture, then where it halted. */
function iconOf(marks: readonly RunMark[]): ReactNode {
  if (marks.some(({ kind }) => kind === 'steered')) return <SlidersHorizontal />;
  if (marks.some(({ kind }) => kind === 'forked')) return <GitFork />;
  const halt = marks.findLast((mark) => mark.kind === 'halted')?.halt;
  if (halt?.kind === 'paused') return halt.reason === null || halt.reason === 'asked' ? <Pause /> : <CirclePause />;
  return <Square />;
}
