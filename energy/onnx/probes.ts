// The networks that a new board is calibrated with: chosen by scripts/models/choose-probes.ts, in the order of their multiply–adds.
import { type ProbeCandidate, probeCandidates } from './probe-candidates.ts';

/** The nearest candidates to twenty centres of real networks' features, and the decoder for what no centre has: resizing. */
const probeNames: readonly string[] = [
  'mobile-swish-k3-w0.5-224',
  'mobile-swish-k3-w1-128',
  'residual-bottleneck-w16-small-224',
  'transformer-f384-d4-p32',
  'transformer-f128-d12-p16',
  'mobile-plain-k3-w1.5-224',
  'mobile-swish-k3-w1.5-224',
  'residual-bottleneck-w32-large-224',
  'residual-grouped-w32-large-224',
  'transformer-f192-d12-p16',
  'residual-bottleneck-w64-large-128',
  'residual-squeezed-w64-large-128',
  'transformer-f384-d4-p16',
  'residual-basic-w64-middle-224',
  'decoder-w32-128',
  'dense-g32-large',
  'residual-bottleneck-w64-large-224',
  'residual-squeezed-w64-large-224',
  'residual-grouped-w64-large-224',
  'convnext-f96-d3-224',
  'transformer-f384-d12-p16',
];

/** Measured again every few probes: when it moves, the board has drifted and not the model changed. Small, so that it costs little. */
export const anchorProbeName = 'mobile-plain-k3-w1.5-224';

/** About twenty networks, at most 120 MB of weights each; every node class has its share in at least one. */
export function probes(): ProbeCandidate[] {
  const byName = new Map(probeCandidates().map((candidate) => [candidate.name, candidate]));
  return probeNames.map((name) => {
    const probe = byName.get(name);
    if (probe === undefined) throw new Error(`probe ${name} is no candidate: choose again with npm run models:probes`);
    return probe;
  });
}
