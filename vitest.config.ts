import { defineConfig } from 'vitest/config';

const project = (name: string, testTimeout: number, globalSetup: string[] = []) => ({
  test: { name, include: [`test/${name}/**/*.test.ts`], testTimeout, hookTimeout: 120_000, pool: 'forks' as const, globalSetup },
});

export default defineConfig({
  test: {
    projects: [
      project('unit', 20_000),
      project('integration', 60_000),
      project('cluster', 120_000, ['test/support/control-plane/global-setup.ts']),
      project('e2e', 240_000),
    ],
  },
});
