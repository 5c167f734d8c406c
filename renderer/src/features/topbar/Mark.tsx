import styles from './Mark.module.css';

/** A picture coming up in the bath. */
export function Mark() {
  return (
    <svg className={styles.mark} viewBox="10 10 44 44" aria-hidden>
      <path className={styles.bath} d="M14 38c6-5.500 12-5.500 18-1.500s12 4 18-1.500V44a6 6 0 0 1-6 6H20a6 6 0 0 1-6-6Z" />
      <circle className={styles.sun} cx="39.500" cy="24" r="4.500" />
      <rect className={styles.frame} x="14" y="14" width="36" height="36" rx="7" />
    </svg>
  );
}
