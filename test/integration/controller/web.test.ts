import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { deviceClasses } from '../../../crds/resources.ts';
import { findCondition } from '../../../kube/meta/conditions.ts';
import { startControlPlane, type TestControlPlane } from '../../support/controller.ts';
import { eventually } from '../../support/eventually.ts';

const signal = AbortSignal.timeout(60_000);

describe('the web port', () => {
  let plane: TestControlPlane;
  const get = (path: string) => fetch(`${plane.controller.webUrl}${path}`);

  beforeAll(async () => {
    plane = await startControlPlane();
  });
  afterAll(() => plane.close());

  it('is alive, and ready once the caches are complete', async () => {
    expect((await get('/livez')).status).toBe(200);
    await eventually(async () => expect((await get('/readyz')).status).toBe(200));
  });

  it('exposes metrics under their documented names', async () => {
    await eventually(async () => {
      const text = await (await get('/metrics')).text();
      for (const name of [
        'jouleops_build_info',
        'jouleops_reconcile_total',
        'jouleops_reconcile_duration_seconds_bucket',
        'jouleops_watch_relists_total',
        'workqueue_depth',
        'process_resident_memory_bytes',
      ])
        expect(text).toContain(`\n${name}{`.replace('\nprocess_resident_memory_bytes{', '\nprocess_resident_memory_bytes '));
      expect(text).not.toContain('NaN');
    });
  });

  it('lists what the caches hold, and says where to look when there is nothing', async () => {
    await eventually(async () => {
      const classes = (await (await get('/api/classes')).json()) as { items: { metadata: { name: string } }[]; total: number };
      expect(classes.items.map((item) => item.metadata.name)).toContain('raspberry-pi-5');
      expect(classes.total).toBe(7);
    });
    const after = (await (await get('/api/classes?after=jetson-orin-nano')).json()) as {
      items: { metadata: { name: string } }[];
    };
    expect(after.items.map((item) => item.metadata.name)).toEqual(['raspberry-pi-4', 'raspberry-pi-5']);
    const missing = await get('/api/devices/nobody');
    expect([missing.status, await missing.json()]).toEqual([404, { error: 'there is no device nobody', next: 'GET /api' }]);
    expect((await get('/nowhere')).status).toBe(404);
    expect((await fetch(`${plane.controller.webUrl}/api/devices`, { method: 'DELETE' })).status).toBe(404);
  });

  it('says of every shipped class whether it can predict', async () => {
    await eventually(async () => {
      const { items } = await plane.client.list(deviceClasses, { signal });
      const ready = Object.fromEntries(
        items.map((item) => [item.metadata.name, findCondition(item.status?.conditions, 'PredictorReady')?.status]),
      );
      expect(ready).toMatchObject({
        'raspberry-pi-5': 'True',
        'jetson-nano': 'True',
        'generic-arm64': 'False',
        'generic-x86-64': 'False',
      });
    }, 20);
  });

  it('says Ready of every shipped class, for its generation, as kubectl wait and kstatus ask', async () => {
    await eventually(async () => {
      const { items } = await plane.client.list(deviceClasses, { signal });
      expect(items.length).toBeGreaterThan(3);
      for (const { metadata, status } of items)
        expect(findCondition(status?.conditions, 'Ready'), metadata.name).toMatchObject({
          status: 'True',
          reason: 'Succeeded',
          observedGeneration: metadata.generation,
        });
    }, 20);
  });

  it('refuses a port that is in use, by name', async () => {
    const port = Number(new URL(plane.controller.webUrl).port);
    await expect(startControlPlane({ web: { port } })).rejects.toThrow(
      `the web port 127.0.0.1:${port} is in use: choose another, or 0 for any`,
    );
  });
});
