import { Layers } from 'lucide-react';
import { memo, useEffect, useId, useRef, useState } from 'react';
import { useStore } from 'zustand';
import { useText } from '../../i18n/useText.ts';
import { jobsStore, noExtras } from '../../stores/jobs.ts';
import { type LiveLora, liveLoras, steerLora } from '../../stores/liveLoras.ts';
import { loraSlider } from '../../stores/loraStrength.ts';
import { jobSteps } from '../../stores/stepPlan.ts';
import { Button } from '../../ui/Button.tsx';
import { cx } from '../../ui/cx.ts';
import { Popover } from '../../ui/Popover.tsx';
import { RangeSlider } from '../../ui/RangeSlider.tsx';
import styles from './LiveLoras.module.css';

export interface LiveLorasProps {
  readonly jobId: string;
  readonly disabled: boolean;
}

/** The LoRAs of a run, a slider each; what is moved counts from the next step. Nothing where the run has none. */
export function LiveLoras({ jobId, disabled }: LiveLorasProps) {
  const { t } = useText();
  const loras = useLiveLoras(jobId);
  if (loras.length === 0) return null;
  const applying = loras.some(({ pending }) => pending);
  return (
    <Popover
      side="top"
      align="end"
      title={t('loras.liveTitle')}
      trigger={
        <Button
          className={styles.open}
          size="s"
          icon={<Layers aria-hidden />}
          aria-label={`${t('loras.title')}${applying ? ` (${t('run.applying')})` : ''}`}
          title={applying ? t('run.applying') : t('loras.liveTitle')}
          disabled={disabled}
          data-pending={applying || undefined}
          data-testid="live-loras"
        >
          {t('loras.title')}
        </Button>
      }
    >
      <ul className={styles.list} aria-label={t('loras.live')}>
        {loras.map((lora) => (
          <LiveRow key={lora.name} jobId={jobId} {...lora} disabled={disabled} />
        ))}
      </ul>
      <p className={styles.hint}>{t('loras.liveHint')}</p>
    </Popover>
  );
}

function useLiveLoras(jobId: string): readonly LiveLora[] {
  const told = useStore(jobsStore, (jobs) => {
    const job = jobs.byId[jobId];
    // As JSON, so that strengths that stay the same are no news to React.
    return job === undefined ? '[]' : JSON.stringify(liveLoras(job, (jobs.extras[jobId] ?? noExtras).wanted, jobSteps(job)));
  });
  return JSON.parse(told) as readonly LiveLora[];
}

/** What is dragged over counts where it rests: each strength that is sent has the texts encoded again. */
const restMs = 150;

const LiveRow = memo(function LiveRow({ jobId, name, strength, curved, pending, disabled }: LiveLora & LiveLorasProps) {
  const { t, format } = useText();
  const id = useId();
  const [draft, setDraft] = useState<number | null>(null);
  const rest = useRef<number | undefined>(undefined);
  useEffect(() => () => window.clearTimeout(rest.current), []);
  const shown = draft ?? strength;
  const move = (value: number): void => {
    setDraft(value);
    window.clearTimeout(rest.current);
    rest.current = window.setTimeout(() => {
      steerLora(jobId, name, value);
      setDraft(null);
    }, restMs);
  };
  return (
    <li className={styles.row}>
      <label className={styles.name} htmlFor={id} title={name}>
        {name}
      </label>
      <RangeSlider
        id={id}
        label={t('loras.strengthSlider', { name })}
        className={styles.slider}
        value={shown}
        min={Math.min(loraSlider.min, shown)}
        max={Math.max(loraSlider.max, shown)}
        step={loraSlider.step}
        disabled={disabled}
        spoken={curved ? `${format.number(shown)}. ${t('loras.curved')}` : format.number(shown)}
        onChange={move}
      />
      <output className={cx(styles.value, (pending || draft !== null) && styles.pending)} htmlFor={id} title={pending ? t('run.applying') : undefined}>
        {format.number(shown)}
      </output>
      {curved && draft === null ? <span className={styles.curved}>{t('loras.curved')}</span> : null}
    </li>
  );
});
