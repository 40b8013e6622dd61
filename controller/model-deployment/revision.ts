// A revision is what a device loads. Each is an immutable ControllerRevision, so a rollback needs neither Git nor the user. Pure.
import type { ModelDeployment } from '../../crds/model-deployment.ts';
import type { Slot } from '../../crds/model-instance.ts';
import type { ModelVersion, Variant } from '../../crds/model-version.ts';
import { labels } from '../../crds/names.ts';
import { modelDeployments } from '../../crds/resources.ts';
import type { Runtime, Serving } from '../../crds/shared.ts';
import type { ControllerRevision } from '../../kube/api/builtins.ts';
import type { Stored } from '../../kube/api/objects.ts';
import { controllerReference } from '../../kube/meta/owner-reference.ts';
import { contentHash } from '../content-hash.ts';

type RevisionVariant = Pick<Variant, 'name' | 'digest' | 'sources' | 'externalData' | 'dimensions'> & { size: string | number };

export interface RevisionData {
  modelVersionName: string;
  modelVersionUid: string;
  family: string;
  modelVersion: string;
  variants: RevisionVariant[];
  classLabels?: string[];
  goldenSet?: ModelVersion['spec']['goldenSet'];
  driftReference?: ModelVersion['spec']['driftReference'];
  runtime?: Runtime;
  serving?: Serving;
}

export interface TargetRevision {
  name: string;
  data: RevisionData;
}

const targets = new WeakMap<Stored<ModelDeployment>, { version: Stored<ModelVersion>; target: TargetRevision }>();

/** The revision that the deployment asks for now. Where bytes come from is kept, but does not make another revision. */
export function targetRevisionOf(deployment: Stored<ModelDeployment>, version: Stored<ModelVersion>): TargetRevision {
  // Stored objects are never changed, and placement asks this of every deployment again and again.
  const known = targets.get(deployment);
  if (known?.version === version) return known.target;
  const target = makeTarget(deployment, version);
  targets.set(deployment, { version, target });
  return target;
}

function makeTarget(deployment: Stored<ModelDeployment>, version: Stored<ModelVersion>): TargetRevision {
  const data = revisionData(deployment, version);
  const loaded = {
    ...data,
    variants: data.variants.map(({ name, digest, dimensions, externalData }) => ({
      name,
      digest,
      dimensions,
      externalData: externalData?.map((file) => file.digest),
    })),
  };
  const identity = { ...loaded, goldenSet: data.goldenSet?.digest, driftReference: data.driftReference?.digest };
  return { name: revisionName(deployment.metadata.name, contentHash(identity)), data };
}

function revisionData(deployment: Stored<ModelDeployment>, version: Stored<ModelVersion>): RevisionData {
  const { runtime, serving } = deployment.spec;
  const { family, classLabels, goldenSet, driftReference } = version.spec;
  const sizes = new Map((version.status?.variants ?? []).map((variant) => [variant.digest, variant.size]));
  return {
    modelVersionName: version.metadata.name,
    modelVersionUid: version.metadata.uid,
    family,
    modelVersion: version.spec.version,
    variants: version.spec.variants.map(({ name, digest, sources, externalData, dimensions, size }) => ({
      name,
      digest,
      size: size ?? sizes.get(digest) ?? 0,
      sources,
      ...(externalData === undefined ? {} : { externalData }),
      ...(dimensions === undefined ? {} : { dimensions }),
    })),
    ...(classLabels === undefined ? {} : { classLabels }),
    ...(goldenSet === undefined ? {} : { goldenSet }),
    ...(driftReference === undefined ? {} : { driftReference }),
    ...(runtime === undefined ? {} : { runtime }),
    ...(serving === undefined ? {} : { serving }),
  };
}

/** Names end at 253 characters; the hash is what must stay whole. */
function revisionName(deploymentName: string, hash: string): string {
  return `${deploymentName.slice(0, 240).replace(/[.-]+$/, '')}-${hash}`;
}

const criteriaHashes = new WeakMap<ModelDeployment['spec'], string>();

/** Budget, requirements and what a rollout is judged by: a rejection holds for these and falls with them. */
export function criteriaHashOf({ spec }: Pick<ModelDeployment, 'spec'>): string {
  const known = criteriaHashes.get(spec);
  if (known !== undefined) return known;
  const { budget, requirements, rollout } = spec;
  const hash = contentHash({ budget, requirements, gates: [rollout?.analysis, rollout?.minimumDevices, rollout?.onFailure] });
  criteriaHashes.set(spec, hash);
  return hash;
}

export function newRevision(deployment: Stored<ModelDeployment>, target: TargetRevision, revision: number): ControllerRevision {
  const { namespace, name } = deployment.metadata;
  return {
    apiVersion: 'apps/v1',
    kind: 'ControllerRevision',
    metadata: {
      name: target.name,
      ...(namespace === undefined ? {} : { namespace }),
      // A label value holds 63 characters; the owner reference is what counts.
      labels: { [labels.revisionOf]: name.slice(0, 63).replace(/[^A-Za-z0-9]+$/, '') },
      ownerReferences: [controllerReference(deployment, modelDeployments)],
    },
    data: target.data,
    revision,
  };
}

/** What a revision puts onto a device: one variant, without the sources (agents know only digests). */
export function slotOf(
  revision: TargetRevision,
  variantName: string,
  criteria: { budget: ModelDeployment['spec']['budget']; peakMemory?: string | number },
): Slot | undefined {
  const { data } = revision;
  const variant = data.variants.find((candidate) => candidate.name === variantName);
  if (!variant) return undefined;
  const { goldenSet, driftReference } = data;
  return {
    revision: revision.name,
    modelVersionName: data.modelVersionName,
    modelVersion: data.modelVersion,
    variant: variant.name,
    digest: variant.digest,
    size: variant.size,
    ...(variant.externalData === undefined
      ? {}
      : {
          externalData: variant.externalData.map(({ path, digest, size }) => ({
            path,
            digest,
            ...(size === undefined ? {} : { size }),
          })),
        }),
    ...(data.classLabels === undefined ? {} : { classLabels: data.classLabels }),
    ...(goldenSet === undefined ? {} : { goldenSet: goldenSlot(goldenSet) }),
    ...(driftReference === undefined ? {} : { driftReference: { digest: driftReference.digest, ...sizeOf(driftReference) } }),
    ...(data.runtime === undefined ? {} : { runtime: data.runtime }),
    ...(data.serving === undefined ? {} : { serving: data.serving }),
    budget: criteria.budget,
    ...(criteria.peakMemory === undefined ? {} : { peakMemory: criteria.peakMemory }),
  };
}

function goldenSlot(goldenSet: NonNullable<RevisionData['goldenSet']>): NonNullable<Slot['goldenSet']> {
  return {
    digest: goldenSet.digest,
    ...sizeOf(goldenSet),
    metric: goldenSet.metric ?? 'Accuracy',
    minimumPermille: goldenSet.minimumPermille,
  };
}

function sizeOf(reference: { size?: string | number }): { size?: string | number } {
  return reference.size === undefined ? {} : { size: reference.size };
}
