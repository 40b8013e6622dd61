import { defineConfig } from 'vitest/config';
import { canFindBinaries } from './test/support/control-plane/binaries.ts';

/** Real processes on a busy machine may miss a deadline once; a fault of ours fails the second time too. Pure tests get no second chance. */
const secondChance = 1;

/** What meets an API server is proven on a real one too, on machines that have one or can build it. */
const onBothServers = (await canFindBinaries())
  ? [
      'test/integration/{controller,metrics}/*.test.ts',
      'test/integration/agent/{thread,swap,restart,lost-answers,offline}.test.ts',
    ]
  : [];

const project = (
  name: string,
  testTimeout: number,
  options: { include?: string[]; globalSetup?: string[]; retry?: number; env?: { API_SERVER_UNDER_TEST: 'real' } } = {},
) => ({
  test: { name, include: [`test/${name}/**/*.test.ts`], testTimeout, hookTimeout: 120_000, pool: 'forks' as const, ...options },
});

export default defineConfig({
  test: {
    // Most of a test's time is spent waiting for processes: one core left idle would double the suite.
    maxWorkers: '100%',
    projects: [
      project('unit', 20_000),
      project('integration', 60_000, { retry: secondChance }),
      project('cluster', 120_000, {
        include: ['test/cluster/**/*.test.ts', ...onBothServers],
        retry: secondChance,
        globalSetup: ['test/support/control-plane/global-setup.ts'],
        env: { API_SERVER_UNDER_TEST: 'real' },
      }),
      project('e2e', 240_000, { retry: secondChance }),
    ],
  },
});
