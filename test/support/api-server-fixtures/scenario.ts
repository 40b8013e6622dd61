import type { JsonObject, JsonValue } from '../../../standalone/schema/json.ts';

/** One request. The body of a patch or an apply needs no identity; that of an update is laid over the live object, member by member. */
export interface Step {
  verb: 'create' | 'update' | 'apply' | 'merge' | 'json';
  manager: string;
  body: JsonValue;
  force?: boolean;
  subresource?: 'status';
}

/** Widgets and Gadgets are custom, the others are built into every API server. */
export type ScenarioKind = 'Widget' | 'Gadget' | 'ConfigMap' | 'Secret' | 'Lease';

/** Where objects of a kind live. */
export const groupVersions: Record<ScenarioKind, string> = {
  Widget: 'fixtures.jouleops.dev/v1',
  Gadget: 'fixtures.jouleops.dev/v1',
  ConfigMap: 'v1',
  Secret: 'v1',
  Lease: 'coordination.k8s.io/v1',
};

export interface Scenario {
  name: string;
  /** Widget unless said otherwise. */
  kind?: ScenarioKind;
  steps: Step[];
}

/** What a server answered to a step. */
export interface Outcome {
  code: number;
  reason?: string;
  /** `reason field`, sorted. */
  causes?: string[];
  /** Without identity, versions and times. */
  object?: JsonObject;
  /** `manager/operation/subresource` → fieldsV1; a manager without a time has `/untimed` behind it. */
  owners?: JsonObject;
}

export interface RecordedScenario extends Scenario {
  outcomes: Outcome[];
}
