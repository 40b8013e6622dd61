// Everything about the API that is not an object.
import { type Caller, type Feature, feature } from './feature.ts';
import type { RecordedCall } from './recorded-call.ts';

const pathOf = (call: RecordedCall) => (call.info.kind === 'other' ? call.info.path : '');
const aggregated = (call: RecordedCall) => call.accept.includes('as=APIGroupDiscoveryList');
const at = (path: RegExp, name: string, callers: readonly Caller[]) =>
  feature(name, callers, (call) => path.test(pathOf(call)) && !aggregated(call));

export const discoveryFeatures: readonly Feature[] = [
  feature('aggregated discovery', ['kubectl', 'client-go'], (call) => /^\/apis?$/.test(pathOf(call)) && aggregated(call)),
  at(/^\/api$/, '/api', ['python']),
  at(/^\/apis$/, '/apis', ['python']),
  at(/^\/apis\/[^/]+$/, '/apis/<group>', ['python']),
  at(/^\/(api|apis\/[^/]+)\/v[^/]+$/, '/apis/<group>/<version>', ['python', 'client-node']),
  at(/^\/openapi\/v3$/, '/openapi/v3', ['kubectl']),
  at(/^\/openapi\/v3\//, '/openapi/v3/<path>', ['kubectl']),
  at(/^\/version$/, '/version', ['kubectl', 'python']),
  at(/^\/livez$/, '/livez', ['kubectl']),
  at(/^\/readyz$/, '/readyz', ['kubectl']),
];
