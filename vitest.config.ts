import { defineConfig } from 'vitest/config';

/** Real processes on a busy machine may miss a deadline once; a fault of ours fails the second time too. Pure tests get no second chance. */
const secondChance = 1;

const project = (name: string, testTimeout: number, options: { globalSetup?: string[]; retry?: number } = {}) => ({
  test: { name, include: [`test/${name}/**/*.test.ts`], testTimeout, hookTimeout: 120_000, pool: 'forks' as const, ...options },
});

export default defineConfig({
  test: {
    projects: [
      project('unit', 20_000),
      project('integration', 60_000, { retry: secondChance }),
      project('cluster', 120_000, { retry: secondChance, globalSetup: ['test/support/control-plane/global-setup.ts'] }),
      project('e2e', 240_000, { retry: secondChance }),
    ],
  },
});
