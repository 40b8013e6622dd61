import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { createGunzip } from 'node:zlib';
import { writeFileAtomic } from '../../agent/disk/atomic-file.ts';
import { modelVersions } from '../../crds/resources.ts';
import type { Client } from '../../kube/api/client.ts';
import type { Convergence } from './convergence.ts';
import type { Endpoints } from './endpoints.ts';
import { pickSample } from './summary.ts';

export interface SampleRequest {
  url: string;
  file: string;
}

/** Undefined where nothing that serves has a golden set, or where its file is not at hand: nothing but a line of help depends on it. */
export async function prepareSample(
  dataDirectory: string,
  client: Client,
  served: { convergence: Convergence; endpoints: Endpoints },
  signal: AbortSignal,
): Promise<SampleRequest | undefined> {
  const versions = new Map(
    (await client.list(modelVersions, { signal, limit: 500 })).items.map((version) => [
      `${version.metadata.namespace}/${version.metadata.name}`,
      version,
    ]),
  );
  const goldenOf = (deployment: { metadata: { namespace?: string }; spec: { modelVersionName: string } }) =>
    versions.get(`${deployment.metadata.namespace}/${deployment.spec.modelVersionName}`)?.spec.goldenSet;
  const picked = pickSample(served.convergence, served.endpoints, (deployment) => goldenOf(deployment) !== undefined);
  const digest = picked && goldenOf(picked.deployment)?.digest;
  if (!picked || !digest) return undefined;
  const file = join(dataDirectory, 'controller', 'artifacts', 'blobs', 'sha256', digest.replace('sha256:', ''));
  const request = await writeSampleRequest(dataDirectory, file).catch(() => undefined);
  return request === undefined ? undefined : { url: picked.url, file: request };
}

/** Writes the first sample of a golden set (gzip JSON lines) as an Open Inference Protocol request. Answers its path. */
export async function writeSampleRequest(dataDirectory: string, goldenSetFile: string): Promise<string> {
  const source = (await open(goldenSetFile)).createReadStream();
  const lines = createInterface({ input: source.pipe(createGunzip()), crlfDelay: Number.POSITIVE_INFINITY });
  try {
    for await (const line of lines) {
      const { inputs } = JSON.parse(line) as { inputs: unknown };
      const file = join(dataDirectory, 'request.json');
      await writeFileAtomic(file, `${JSON.stringify({ inputs })}\n`);
      return file;
    }
  } finally {
    lines.close();
    source.destroy();
  }
  throw new Error(`the golden set ${goldenSetFile} is empty`);
}
