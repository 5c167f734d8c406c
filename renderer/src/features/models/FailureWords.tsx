import { useFailureText, type CoreFailure } from '../../i18n/useFailureText.ts';
import styles from './FailureWords.module.css';

/** What went wrong and what to do, with the names and numbers of the case. */
export function FailureWords({ failure }: { readonly failure: CoreFailure }) {
  const { headline, message, nextStep, exact } = useFailureText()(failure);
  return (
    <>
      {message ?? headline} {nextStep}
      {exact === null ? null : (
        <span className={styles.exact} lang="en">
          {exact}
        </span>
      )}
    </>
  );
}
