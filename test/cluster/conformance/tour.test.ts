import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createClient } from '../../../kube/api/http-client.ts';
import { type StandaloneServer, startServer } from '../../../standalone/server.ts';
import { sharedControlPlane } from '../../support/control-plane/shared.ts';
import { silentLogger } from '../../support/silent-logger.ts';
import type { TourCase } from '../../support/tour/case.ts';
import { chapters } from '../../support/tour/chapters.ts';
import { renderReport, type Visited } from '../../support/tour/report.ts';
import type { TourServer } from '../../support/tour/tour.ts';
import { visit } from '../../support/tour/visit.ts';

const plane = sharedControlPlane();
const reportFile = new URL('../../../docs/conformance.md', import.meta.url);
const visited = new Map<TourCase, Visited>();

describe.skipIf(plane === undefined)('one tour of two servers', () => {
  const folders: string[] = [];
  let embedded: StandaloneServer | undefined;

  beforeAll(async () => {
    const dataDirectory = await mkdtemp(join(tmpdir(), 'jouleops-tour-'));
    folders.push(dataDirectory);
    // Few revisions are kept, so that a watch can expire here as quickly as on a server whose cache has just begun.
    embedded = await startServer({ dataDirectory, logger: silentLogger, keptRevisions: 100 });
  });
  afterAll(async () => {
    await embedded?.close();
    for (const folder of folders) await rm(folder, { recursive: true, force: true });
  });

  const servers = (): [TourServer, TourServer] => [
    { name: 'real', admin: plane?.admin ?? { server: '' } },
    { name: 'embedded', admin: embedded?.admin ?? { server: '' } },
  ];

  for (const chapter of chapters) {
    describe(chapter.title, () => {
      const cases = chapter.cases.filter(({ needsControllerManager }) => !needsControllerManager || plane?.controllerManager);
      test.each(cases.map((tourCase) => [tourCase.says, tourCase] as const))('%s', async (_says, tourCase) => {
        const [real, ours] = await Promise.all(servers().map((server) => visit(server, tourCase)));
        if (!real || !ours) throw new Error('two servers were visited');
        visited.set(tourCase, { real, embedded: ours });
        if (tourCase.differs === undefined) expect(ours).toEqual(real);
        else expect(ours, 'the difference has gone: remove `differs` from the case').not.toEqual(real);
      });
    });
  }

  // The report is about all cases; some need kube-controller-manager.
  test.skipIf(plane?.controllerManager === false)('docs/conformance.md says so', async () => {
    const client = createClient(plane?.admin ?? { server: '' });
    const version = (await client.raw('GET', '/version', { signal: AbortSignal.timeout(5_000) })) as { gitVersion: string };
    await client.close();
    const total = chapters.flatMap(({ cases }) => cases).length;
    if (visited.size !== total) throw new Error(`${visited.size} of ${total} cases were visited: run them all`);
    const report = renderReport(chapters, visited, version.gitVersion);
    if (process.env['CONFORMANCE'] === 'write') await writeFile(reportFile, report);
    expect(await readFile(reportFile, 'utf8')).toBe(report);
  });
});
