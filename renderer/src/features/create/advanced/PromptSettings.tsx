import { useId } from 'react';
import { useStore } from 'zustand';
import { promptSyntaxes } from '../../../../../shared/generation.ts';
import { useFieldError } from '../../../i18n/useFieldError.ts';
import { useText } from '../../../i18n/useText.ts';
import { formStore, setForm } from '../../../stores/form.ts';
import { forgetRefusal } from '../../../stores/formChecks.ts';
import { clipSkipRange } from '../../../stores/formRanges.ts';
import { Field } from '../../../ui/Field.tsx';
import { TextArea } from '../../../ui/TextArea.tsx';
import { FormNumber } from '../FormNumber.tsx';
import { ChangedMark } from './ChangedMark.tsx';
import { Choice } from './Choice.tsx';
import { Group } from './Group.tsx';

/** How the prompt is read. */
export function PromptSettings() {
  const { t } = useText();
  const syntax = useStore(formStore, (form) => form.promptSyntax);
  return (
    <Group title={t('advanced.prompt')}>
      <Choice
        id="promptSyntax"
        value={syntax}
        segments={promptSyntaxes.map((value) => ({ value, label: t(`advanced.syntax.${value}`) }))}
        hint={t(`advanced.syntaxHint.${syntax}`)}
        onChange={(next) => setForm({ promptSyntax: next })}
      />
      <FormNumber
        field="clipSkip"
        label={t('advanced.clipSkip')}
        {...clipSkipRange}
        step={1}
        aside={<ChangedMark id="clipSkip" />}
        hint={t('advanced.clipSkipHint')}
      />
      <MorePrompts />
    </Group>
  );
}

function MorePrompts() {
  const { t } = useText();
  const id = useId();
  const prompts = useStore(formStore, (form) => form.morePrompts);
  const error = useFieldError('morePrompts');
  return (
    <Field id={id} label={t('advanced.morePrompts')} error={error} aside={<ChangedMark id="morePrompts" />} hint={t('advanced.morePromptsHint')}>
      <TextArea
        id={id}
        rows={2}
        value={prompts.join('\n')}
        invalid={error !== null}
        onChange={(event) => {
          forgetRefusal('morePrompts');
          setForm({ morePrompts: event.target.value === '' ? [] : event.target.value.split('\n') });
        }}
      />
    </Field>
  );
}
