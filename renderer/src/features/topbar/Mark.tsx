import styles from './Mark.module.css';

/** A tray with the picture's edge rising in it. */
export function Mark() {
  return (
    <svg className={styles.mark} viewBox="8 6 48 48" aria-hidden>
      <path className={styles.tray} d="M12 22h40l-4.2 24.3a5 5 0 0 1-4.9 4.2H21.1a5 5 0 0 1-4.9-4.2Z" />
      <path className={styles.wave} d="M16.5 35c4.5-3.6 7.8-3.6 11 0s8.600 3.600 12 0 5.400-3 8-1.400" />
      <circle className={styles.light} cx="32" cy="13" r="3.500" />
    </svg>
  );
}
