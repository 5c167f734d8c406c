import styles from './PictureErrors.module.css';
import { useFieldError } from './useFieldError.ts';

/** What is missing or wrong about the start picture and its mask. Can be turned to like a field. */
export function PictureErrors() {
  const image = useFieldError('image');
  const mask = useFieldError('mask');
  // Without a picture there is nothing to paint a mask on.
  const error = image ?? mask;
  if (error === null) return null;
  return (
    <p className={styles.error} tabIndex={-1} data-invalid="true">
      {error}
    </p>
  );
}
