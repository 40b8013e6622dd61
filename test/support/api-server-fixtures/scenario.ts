import type { JsonObject, JsonValue } from '../../../standalone/schema/json.ts';

/** One request. The body of a patch or an apply needs no identity; that of an update is laid over the live object, member by member. */
export interface Step {
  verb: 'create' | 'update' | 'apply' | 'merge' | 'json';
  manager: string;
  body: JsonValue;
  force?: boolean;
  subresource?: 'status';
}

export interface Scenario {
  name: string;
  /** Widget unless said otherwise. */
  kind?: 'Widget' | 'Gadget';
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
