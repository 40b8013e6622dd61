import { type Answer, ok } from '../http/answer.ts';
import type { Registry } from '../registry/registry.ts';
import { aggregatedDiscovery, isAggregated } from './aggregated.ts';
import { legacyDiscovery } from './legacy.ts';
import { openApiDocuments } from './openapi.ts';

export interface Discovery {
  /** Undefined when there is nothing at this path. */
  answer(path: string, accept: string): Answer | undefined;
}

/** Everything about the API that is not an object. The kinds are fixed, so every document is made once, when first asked for. */
export function createDiscovery(registry: Registry, version: string): Discovery {
  const documents = new Map<string, () => Answer>([
    ['/version', () => ok(versionInfo(version))],
    ['/livez', () => text('ok')],
    ['/readyz', () => text('ok')],
    ...legacyDiscovery(registry),
    ...openApiDocuments(registry),
  ]);
  const made = new Map<string, Answer>();
  return {
    answer(path, accept) {
      const aggregated = isAggregated(path, accept);
      const make = aggregated ? () => aggregatedDiscovery(registry, path) : documents.get(path);
      if (make === undefined) return undefined;
      const key = aggregated ? `${path} aggregated` : path;
      const answer = made.get(key) ?? make();
      made.set(key, answer);
      return answer;
    },
  };
}

function text(body: string): Answer {
  return { code: 200, body: { text: body } };
}

/** The Kubernetes version whose API this server follows: clients choose their features by it. */
const kubernetesMinor = '36';

function versionInfo(version: string) {
  return {
    major: '1',
    minor: kubernetesMinor,
    gitVersion: `v1.${kubernetesMinor}.0+jouleops-${version}`,
    gitCommit: '',
    gitTreeState: '',
    buildDate: '1970-01-01T00:00:00Z',
    goVersion: '',
    compiler: 'node',
    platform: `${process.platform}/${process.arch}`,
  };
}
