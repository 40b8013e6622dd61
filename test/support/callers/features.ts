// Everything that a client can ask of the embedded server, and who asks it. A caller named here is held to it by its own suite.
import { discoveryFeatures } from './discovery-features.ts';
import type { Caller, Feature } from './feature.ts';
import { formFeatures } from './form-features.ts';
import { optionFeatures } from './option-features.ts';
import type { RecordedCall } from './recorded-call.ts';
import { verbFeatures } from './verb-features.ts';

export const features: readonly Feature[] = [...verbFeatures, ...formFeatures, ...optionFeatures, ...discoveryFeatures];

/** What the table says of one caller, and what it did not do of that. */
export function claimsOf(caller: Caller, calls: readonly RecordedCall[]): { claimed: string[]; unused: string[] } {
  const own = features.filter(({ callers }) => callers.includes(caller));
  const unused = own.filter(({ used }) => !calls.some((call) => used(call)));
  return { claimed: own.map(({ name }) => name), unused: unused.map(({ name }) => name) };
}
