// Whether the fleet is what was declared: seen from the API, and asked of the agents themselves.
import { modelDeployments, modelInstances } from '../../../crds/resources.ts';
import { findCondition } from '../../../kube/meta/conditions.ts';
import { type ChaosWorld, chaosNamespace } from './world.ts';

/** What is not yet as declared; empty when everything is. */
export async function unfinished(world: ChaosWorld, signal: AbortSignal): Promise<string[]> {
  const { client, agents } = world;
  const deployments = (await client.list(modelDeployments, { namespace: chaosNamespace, signal })).items;
  const instances = (await client.list(modelInstances, { namespace: chaosNamespace, signal })).items;
  const open: string[] = [];
  for (const { metadata, spec, status } of deployments) {
    const ready = findCondition(status?.conditions, 'Ready');
    if (ready?.status !== 'True' || status?.observedGeneration !== metadata.generation) {
      open.push(
        `${metadata.name}: Ready ${ready?.status} ${ready?.reason}, ${status?.observedGeneration} of ${metadata.generation}`,
      );
    }
    const own = instances.filter((instance) => instance.spec.deploymentUid === metadata.uid);
    const wanted = spec.placement.mode === 'EveryDevice' ? agents.length : spec.placement.replicas;
    if (own.length !== wanted) open.push(`${metadata.name}: ${own.length} instances of ${wanted}`);
    for (const instance of own) {
      const version = instance.spec.active?.modelVersionName;
      if (version !== spec.modelVersionName)
        open.push(`${instance.metadata.name}: ${version} instead of ${spec.modelVersionName}`);
    }
  }
  const uids = new Set(deployments.map(({ metadata }) => metadata.uid));
  for (const { metadata, spec } of instances) {
    if (!uids.has(spec.deploymentUid)) open.push(`${metadata.name} belongs to no deployment`);
  }
  for (const { name, url } of agents) {
    const assigned = instances.filter(({ spec }) => spec.deviceName === name);
    const names = new Map(deployments.map(({ metadata }) => [metadata.uid, metadata.name]));
    const expected = assigned.map(({ spec }) => `${names.get(spec.deploymentUid)}@${spec.active?.modelVersion}`);
    const served = await servedBy(url);
    if (expected.toSorted().join() !== served.toSorted().join())
      open.push(`${name} serves [${served.join()}], assigned are [${expected.join()}]`);
  }
  return open;
}

/** `name@version` of every model that answers. */
async function servedBy(url: string): Promise<string[]> {
  const response = await fetch(`${url}/v2/models`, { signal: AbortSignal.timeout(10_000) });
  const { models } = (await response.json()) as { models: { name: string; version: string; state: string }[] };
  return models.filter(({ state }) => state === 'READY').map(({ name, version }) => `${name}@${version}`);
}
