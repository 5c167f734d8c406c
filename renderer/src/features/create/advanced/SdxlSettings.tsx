import { useId } from 'react';
import { useStore } from 'zustand';
import { useText } from '../../../i18n/useText.ts';
import { formStore } from '../../../stores/form.ts';
import { scoreRange } from '../../../stores/formRanges.ts';
import { FormNumber } from '../FormNumber.tsx';
import { FormText } from '../FormText.tsx';
import { PromptArea } from '../PromptArea.tsx';
import { ChangedMark } from './ChangedMark.tsx';
import { Group, Row } from './Group.tsx';

/** What only Stable Diffusion XL knows: a second text encoder, size conditioning, shares of the schedule. */
export function SdxlSettings() {
  const { t } = useText();
  const id = useId();
  const negative = useStore(formStore, (form) => form.negativeOpen);
  const withPicture = useStore(formStore, (form) => form.task !== 'text-to-image');
  const asPicture = t('advanced.asPicture');
  return (
    <Group title={t('advanced.sdxl')}>
      <PromptArea
        id={`${id}-2`}
        field="prompt2"
        label={t('advanced.prompt2')}
        placeholder={t('advanced.asFirst')}
        rows={1}
        aside={<ChangedMark id="prompt2" />}
      />
      {negative ? (
        <PromptArea
          id={`${id}-negative2`}
          field="negativePrompt2"
          label={t('advanced.negativePrompt2')}
          placeholder={t('advanced.asFirst')}
          rows={1}
          aside={<ChangedMark id="negativePrompt2" />}
        />
      ) : null}
      <Row label={t('advanced.shares')} aside={<ChangedMark id="shares" />} hint={t('advanced.sharesHint')}>
        {withPicture ? <FormText field="denoisingStart" label={t('advanced.denoisingStart')} placeholder={t('advanced.noShare')} /> : null}
        <FormText field="denoisingEnd" label={t('advanced.denoisingEnd')} placeholder={t('advanced.noShare')} />
      </Row>
      <Row label={t('advanced.micro')} aside={<ChangedMark id="micro" />} hint={t('advanced.microHint')}>
        <FormText field="originalSize" label={t('advanced.originalSize')} placeholder={asPicture} />
        <FormText field="targetSize" label={t('advanced.targetSize')} placeholder={asPicture} />
        <FormText field="cropTopLeft" label={t('advanced.cropTopLeft')} placeholder="0, 0" />
      </Row>
      <Row label={t('advanced.negativeMicro')} aside={<ChangedMark id="negativeMicro" />}>
        <FormText field="negativeOriginalSize" label={t('advanced.originalSize')} placeholder={t('advanced.asAbove')} />
        <FormText field="negativeTargetSize" label={t('advanced.targetSize')} placeholder={t('advanced.asAbove')} />
        <FormText field="negativeCropTopLeft" label={t('advanced.cropTopLeft')} placeholder={t('advanced.asAbove')} />
      </Row>
      <Row label={t('advanced.aesthetic')} aside={<ChangedMark id="aesthetic" />} hint={t('advanced.aestheticHint')}>
        <FormNumber field="aestheticScore" label={t('advanced.positive')} {...scoreRange} step={0.5} decimals />
        <FormNumber field="negativeAestheticScore" label={t('advanced.negative')} {...scoreRange} step={0.5} decimals />
      </Row>
    </Group>
  );
}
