import { predictionTypes, type Model } from '../../../../shared/models.ts';
import { useText } from '../../i18n/useText.ts';
import { editModel } from '../../stores/modelLibrary.ts';
import { Field } from '../../ui/Field.tsx';
import { SelectField } from '../../ui/SelectField.tsx';
import text from '../../ui/text.module.css';
import { CopyModel } from './CopyModel.tsx';
import styles from './EditModel.module.css';

/** What a checkpoint file does not say of itself, and where its weights lie. */
export function EditModel({ model, onCopy }: { readonly model: Model; onCopy(): void }) {
  const { t } = useText();
  const id = `model-prediction-${model.id}`;
  return (
    <div className={styles.fields}>
      <Field id={id} label={t('models.prediction')} hint={model.uncertain.includes('predictionType') ? t('models.predictionHint') : undefined}>
        <SelectField
          id={id}
          size="s"
          value={model.predictionType ?? 'epsilon'}
          options={predictionTypes.map((value) => ({ value, label: t(`models.predictionType.${value}`) }))}
          onChange={(predictionType) => void editModel({ id: model.id, predictionType })}
        />
      </Field>
      {model.graphs === 'beside' && !model.isOwn ? (
        <div>
          <CopyModel model={model} onStart={onCopy} />
          <p className={text.facts}>{t('models.copyHint')}</p>
        </div>
      ) : null}
    </div>
  );
}
