import styles from './Spinner.module.css';

/** A sign of waiting; what is waited for stands beside it in words. */
export function Spinner() {
  return <span className={styles.spinner} aria-hidden />;
}
