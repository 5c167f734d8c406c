import styles from './FormSkeleton.module.css';

export function FormSkeleton() {
  return (
    <div className={styles.skeleton} aria-hidden>
      {[96, 32, 32, 32, 32, 32].map((height, index) => (
        <div key={index} className={styles.field} style={{ height }} />
      ))}
    </div>
  );
}
