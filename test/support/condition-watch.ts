// Lints the status of every object of ours that a test brings about, as an outside reader sees them.
import {
  deviceClasses,
  edgeDevices,
  fleetRepositories,
  modelDeployments,
  modelInstances,
  modelVersions,
  trainingRuns,
} from '../../crds/resources.ts';
import type { Client } from '../../kube/api/client.ts';
import type { KubeObject } from '../../kube/api/objects.ts';
import { Reflector } from '../../kube/cache/reflector.ts';
import { systemClock } from '../../kube/runtime/clock.ts';
import { type LintedObject, lintStatus } from './condition-linter.ts';
import { silentLogger } from './silent-logger.ts';

const kinds = [
  modelDeployments,
  modelInstances,
  modelVersions,
  edgeDevices,
  deviceClasses,
  fleetRepositories,
  trainingRuns,
] as const;

/** What a message names; a mistake in one place shows on every object. */
const maximumFindings = 30;

export interface ConditionWatch {
  /** What it has seen so far, a sentence each. */
  readonly findings: readonly string[];
  /** Ends the watches. @throws Error that names every finding */
  close(): Promise<void>;
}

export function watchConditions(client: Pick<Client, 'list' | 'watch'>): ConditionWatch {
  const stopping = new AbortController();
  const findings = new Set<string>();
  const runs = kinds.map((resource) => {
    const reflector = new Reflector<KubeObject>({ client, clock: systemClock, logger: silentLogger }, resource);
    reflector.onChange(({ object }) => {
      for (const finding of lintStatus(object satisfies LintedObject))
        findings.add(`${resource.kind} ${object.metadata.name}: ${finding}`);
    });
    return reflector.run(stopping.signal);
  });
  return {
    get findings() {
      return [...findings];
    },
    close: async () => {
      stopping.abort(new Error('the watch of conditions is over'));
      await Promise.allSettled(runs);
      if (findings.size === 0) return;
      const shown = [...findings].slice(0, maximumFindings).join('\n  ');
      throw new Error(`${findings.size} statuses break the rules of test/support/condition-linter.ts:\n  ${shown}`);
    },
  };
}
