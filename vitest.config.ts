import react from '@vitejs/plugin-react';
import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'node',
          include: ['{shared,electron}/**/*.test.ts', 'e2e/{policy,artefacts,layers,parity,attributes,checkpoints,loras}/**/*.test.ts'],
          environment: 'node',
          testTimeout: 60_000,
        },
      },
      {
        plugins: [react()],
        test: { name: 'dom', include: ['renderer/**/*.test.{ts,tsx}'], environment: 'happy-dom', testTimeout: 60_000 },
      },
    ],
  },
});
