// The networks that a new board is calibrated with: chosen by scripts/models/choose-probes.ts, in the order of their multiply–adds.
import { type ProbeCandidate, probeCandidates } from './probe-candidates.ts';

/** The nearest candidates to sixteen centres of real networks' features, what else has kinds of nodes that none of them shows well, and the smallest. */
const probeNames: readonly string[] = [
  'residual-basic-w16-small-128',
  'mobile-swish-k3-w1.5-128',
  'mobile-plain-k3-w1-224',
  'mobile-swish-k3-w1-224',
  'transformer-f128-d12-p16',
  'mobile-plain-k3-w1.5-224',
  'convnext-f64-d1-224',
  'mobile-silu-k5-w1.5-224',
  'residual-basic-w64-small-224',
  'residual-basic-w32-large-224',
  'residual-bottleneck-w32-large-224',
  'residual-grouped-w32-large-224',
  'residual-squeezed-w64-large-128',
  'decoder-w32-128',
  'dense-g32-large',
  'residual-basic-w64-large-224',
  'residual-bottleneck-w64-large-224',
  'residual-grouped-w64-large-224',
  'convnext-f96-d3-224',
  'transformer-f384-d12-p16',
];

/** Measured again every few probes: when it moves, the board has drifted and not the model changed. Small, so that it costs little. */
export const anchorProbeName = 'mobile-plain-k3-w1.5-224';

/** Twenty networks, at most 120 MB of weights each; every node class has its share in at least one. */
export function probes(): ProbeCandidate[] {
  const byName = new Map(probeCandidates().map((candidate) => [candidate.name, candidate]));
  return probeNames.map((name) => {
    const probe = byName.get(name);
    if (probe === undefined) throw new Error(`probe ${name} is no candidate: choose again with npm run models:probes`);
    return probe;
  });
}
