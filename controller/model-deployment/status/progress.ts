// Which changes of a status are news, and which only tell how far it has come. Pure.
import type { ModelDeploymentStatus } from '../../../crds/model-deployment.ts';
import { sameContent } from '../../content-hash.ts';

/**
 * Counts, numbers and words moved: a rollout over many devices changes them with every answer of each. Conditions that turn,
 * another generation or revision, a rejection and a command that was carried out are news.
 */
export function isProgress(before: ModelDeploymentStatus | undefined, after: ModelDeploymentStatus): boolean {
  return before !== undefined && sameContent(newsOf(before), newsOf(after));
}

function newsOf(status: ModelDeploymentStatus) {
  const { observedGeneration, conditions = [], currentRevision, rejectedRevisions, lastHandledCommand } = status;
  const turned = conditions.map(({ type, status: is, reason, observedGeneration: at }) => ({ type, is, reason, at }));
  return { observedGeneration, turned, currentRevision, rejectedRevisions, lastHandledCommand };
}
