import { useId } from 'react';
import styles from './DevelopingFrames.module.css';

/** Share of noise in each of the frames. */
const noises = [1, 0.72, 0.36, 0];
const size = 64;
const gap = 10;

/** One picture in four states, from noise to done. */
export function DevelopingFrames() {
  const id = useId();
  const width = noises.length * (size + gap) - gap;
  return (
    <svg className={styles.frames} viewBox={`0 0 ${String(width)} ${String(size)}`} aria-hidden>
      <filter id={`${id}-grain`} x="0" y="0" width="100%" height="100%" colorInterpolationFilters="sRGB">
        <feTurbulence type="fractalNoise" baseFrequency="0.42" numOctaves="2" seed="7" />
        <feColorMatrix type="saturate" values="0.25" />
        <feComponentTransfer>
          <feFuncA type="linear" slope="0" intercept="1" />
        </feComponentTransfer>
      </filter>
      <clipPath id={`${id}-frame`}>
        <rect width={size} height={size} rx="5" />
      </clipPath>
      {noises.map((noise, index) => (
        <g key={noise} transform={`translate(${String(index * (size + gap))} 0)`} clipPath={`url(#${id}-frame)`}>
          <rect className={styles.sky} width={size} height={size} />
          <circle className={styles.sun} cx="40" cy="25" r="10" />
          <path className={styles.far} d="M0 46 C14 36 26 36 40 44 S58 48 64 43 V64 H0Z" />
          <path className={styles.near} d="M0 53 C18 46 34 55 64 50 V64 H0Z" />
          {noise === 0 ? null : <rect width={size} height={size} opacity={noise} filter={`url(#${id}-grain)`} />}
        </g>
      ))}
    </svg>
  );
}
