import { Plus, RotateCcw } from 'lucide-react';
import { useEffect, useId, useState } from 'react';
import { useStore } from 'zustand';
import type { Failure } from '../../../../shared/errors.ts';
import type { AdapterFile, Model } from '../../../../shared/models.ts';
import { useFailureText } from '../../i18n/useFailureText.ts';
import { useText } from '../../i18n/useText.ts';
import { formStore } from '../../stores/form.ts';
import { foundLoras, isOtherFamily, loraFilesStore, readLoraFiles } from '../../stores/loraFiles.ts';
import { addLora, isFull } from '../../stores/loraForm.ts';
import { Button } from '../../ui/Button.tsx';
import { cx } from '../../ui/cx.ts';
import { Popover } from '../../ui/Popover.tsx';
import { TextInput } from '../../ui/TextInput.tsx';
import text from '../../ui/text.module.css';
import styles from './AddLora.module.css';
import { LoraFolders } from './LoraFolders.tsx';

/** The LoRAs there are, to be searched and taken. */
export function AddLora({ model }: { readonly model: Model }) {
  const { t } = useText();
  useEffect(() => void readLoraFiles(), []);
  return (
    <Popover
      align="end"
      title={t('loras.add')}
      trigger={
        <Button size="s" look="quiet" icon={<Plus aria-hidden />} data-testid="add-lora">
          {t('loras.add')}
        </Button>
      }
    >
      <LoraPicker model={model} />
    </Popover>
  );
}

/** Longer lists are searched, not read. */
const mostShown = 200;

function LoraPicker({ model }: { readonly model: Model }) {
  const { t } = useText();
  const id = useId();
  const [search, setSearch] = useState('');
  const { files, read, unread } = useStore(loraFilesStore);
  // Files may have come since.
  useEffect(() => void readLoraFiles(), []);
  const found = foundLoras(files, search, model);
  const none = files.every(({ kind }) => kind !== 'lora');
  return (
    <div className={styles.picker} data-testid="lora-picker">
      <TextInput id={id} type="search" value={search} aria-label={t('loras.search')} placeholder={t('loras.search')} onChange={(event) => setSearch(event.target.value)} />
      {found.length > 0 ? (
        <ul className={styles.list} aria-label={t('loras.found')}>
          {found.slice(0, mostShown).map((file) => (
            <PickerRow key={file.path} file={file} model={model} />
          ))}
        </ul>
      ) : unread !== null ? null : (
        <p className={text.hint} role="status">
          {none ? (read ? t('loras.none') : t('loras.looking')) : t('loras.noMatch')}
        </p>
      )}
      {unread === null ? null : <Unread failure={unread} />}
      <LoraFolders />
    </div>
  );
}

/** What is shown may be old, or nothing: says why, and looks again. */
function Unread({ failure }: { readonly failure: Failure }) {
  const { t } = useText();
  const { headline, message, nextStep } = useFailureText()(failure);
  return (
    <div className={styles.unread} role="alert">
      <p className={text.error}>
        {t('loras.unread')} {message ?? headline} {nextStep}
      </p>
      <Button size="s" icon={<RotateCcw aria-hidden />} onClick={() => void readLoraFiles()}>
        {t('common.retry')}
      </Button>
    </div>
  );
}

function PickerRow({ file, model }: { readonly file: AdapterFile; readonly model: Model }) {
  const { t, format } = useText();
  const failureText = useFailureText();
  const added = useStore(formStore, (form) => form.loras.some(({ name }) => name === file.name));
  const full = useStore(formStore, (form) => isFull(form.loras));
  const other = isOtherFamily(file, model);
  const problem = file.problem === null ? null : failureText(file.problem);
  const facts = [
    ...(file.family === null ? [] : [t(`models.family.${file.family}`)]),
    ...(file.rank === null ? [] : [t('loras.rank', { rank: file.rank })]),
    format.bytes(file.bytes),
    ...file.triggers.slice(0, 6),
  ];
  return (
    <li className={cx(styles.row, (other || problem !== null) && styles.unfit)} data-testid="lora-file">
      <div className={styles.words}>
        <span className={styles.name} title={file.path}>
          {file.name}
        </span>
        <span className={text.facts}>{facts.join(' · ')}</span>
        {other && file.family !== null ? <span className={text.warning}>{t('loras.otherFamily', { family: t(`models.family.${file.family}`) })}</span> : null}
        {problem === null ? null : (
          <span className={text.warning}>
            {problem.message ?? problem.headline} {problem.nextStep}
          </span>
        )}
      </div>
      <Button size="s" disabled={added || full || problem !== null} aria-label={t('loras.addNamed', { name: file.name })} onClick={() => addLora(file.name)}>
        {added ? t('loras.added') : t('loras.take')}
      </Button>
    </li>
  );
}
