// One stored Event, two shapes: events.k8s.io/v1 (what recorders write) and the core one (what kubectl describe reads).
import type { JsonObject, JsonValue } from '../../schema/json.ts';
import type { KindDefinition } from '../../schema/kind.ts';
import type { Cause } from '../../schema/structural-schema.ts';
import { integer, object, objectReference, string, time } from './schemas.ts';

const plain = {
  version: 'v1',
  kind: 'Event',
  plural: 'events',
  singular: 'event',
  shortNames: ['ev'],
  categories: [],
  namespaced: true,
  nameSyntax: 'path-segment',
  statusSubresource: false,
  generation: false,
} as const;

export const eventTimes = [['eventTime'], ['series', 'lastObservedTime']] as const;

const series = object({ count: integer, lastObservedTime: time }, ['count', 'lastObservedTime']);
const source = object({ component: string, host: string });

export const events: KindDefinition = {
  ...plain,
  group: 'events.k8s.io',
  selectableFields: [
    '.reason',
    '.type',
    '.reportingController',
    '.regarding.kind',
    '.regarding.name',
    '.regarding.namespace',
    '.regarding.uid',
  ],
  printerColumns: [
    { name: 'Last Seen', type: 'date', jsonPath: '.eventTime' },
    { name: 'Type', type: 'string', jsonPath: '.type' },
    { name: 'Reason', type: 'string', jsonPath: '.reason' },
    { name: 'Object', type: 'string', jsonPath: '.regarding.name' },
    { name: 'Message', type: 'string', jsonPath: '.note' },
  ],
  schema: {
    ...object({
      eventTime: { ...time, nullable: true },
      series,
      reportingController: string,
      reportingInstance: { type: 'string', maxLength: 128 },
      action: { type: 'string', maxLength: 128 },
      reason: { type: 'string', maxLength: 128 },
      regarding: objectReference,
      related: objectReference,
      note: { type: 'string', maxLength: 1024 },
      type: string,
      deprecatedSource: source,
      deprecatedFirstTimestamp: { ...time, nullable: true },
      deprecatedLastTimestamp: { ...time, nullable: true },
      deprecatedCount: integer,
    }),
    description: 'Event says what happened to an object, for people to read.',
  },
  validate: (next, old) => (old === undefined ? newEventCauses(next) : []),
};

const requiredFields = ['reportingController', 'reportingInstance', 'action', 'reason'] as const;

/** What kube-apiserver demands of an events.k8s.io/v1 Event when it is created. */
function newEventCauses(event: JsonObject): Cause[] {
  const required = (field: string): Cause => ({ reason: 'FieldValueRequired', field, message: 'Required value' });
  const causes = requiredFields.filter((field) => (event[field] ?? '') === '').map(required);
  if ((event['reportingController'] ?? '') === '') {
    causes.push({
      reason: 'FieldValueInvalid',
      field: 'reportingController',
      message: 'Invalid value: "": name part must be non-empty',
    });
  }
  if ((event['eventTime'] ?? null) === null) causes.push(required('eventTime'));
  if (event['type'] !== 'Normal' && event['type'] !== 'Warning') {
    causes.push({ reason: 'FieldValueInvalid', field: 'type', message: 'Invalid value: "": has invalid value' });
  }
  return causes;
}

export const coreEvents: KindDefinition = {
  ...plain,
  group: '',
  selectableFields: [
    '.reason',
    '.type',
    '.reportingComponent',
    '.source',
    '.involvedObject.kind',
    '.involvedObject.namespace',
    '.involvedObject.name',
    '.involvedObject.uid',
    '.involvedObject.apiVersion',
    '.involvedObject.resourceVersion',
    '.involvedObject.fieldPath',
  ],
  printerColumns: [
    { name: 'Last Seen', type: 'date', jsonPath: '.lastTimestamp' },
    { name: 'Type', type: 'string', jsonPath: '.type' },
    { name: 'Reason', type: 'string', jsonPath: '.reason' },
    { name: 'Object', type: 'string', jsonPath: '.involvedObject.name' },
    { name: 'Message', type: 'string', jsonPath: '.message' },
  ],
  schema: {
    ...object({
      involvedObject: objectReference,
      reason: string,
      message: string,
      source,
      firstTimestamp: { ...time, nullable: true },
      lastTimestamp: { ...time, nullable: true },
      count: integer,
      type: string,
      eventTime: { ...time, nullable: true },
      series,
      action: string,
      related: objectReference,
      reportingComponent: string,
      reportingInstance: string,
    }),
    description: 'Event says what happened to an object, for people to read.',
  },
};

const renamed = [
  ['regarding', 'involvedObject'],
  ['note', 'message'],
  ['reportingController', 'reportingComponent'],
  ['deprecatedSource', 'source'],
  ['deprecatedFirstTimestamp', 'firstTimestamp'],
  ['deprecatedLastTimestamp', 'lastTimestamp'],
  ['deprecatedCount', 'count'],
] as const;

const toCore = new Map<string, string>(renamed);
const fromCore = new Map<string, string>(renamed.map(([stored, core]) => [core, stored]));

export const coreEventShape = {
  fromStorage: (event: JsonObject): JsonObject => {
    const core = { ...rename(event, toCore), apiVersion: 'v1' };
    return { source: {}, firstTimestamp: null, lastTimestamp: null, eventTime: null, ...core };
  },
  toStorage: (event: JsonObject): JsonObject => ({ ...rename(event, fromCore), apiVersion: 'events.k8s.io/v1' }),
};

function rename(event: JsonObject, names: ReadonlyMap<string, string>): JsonObject {
  const entries = Object.entries(event).map(([key, value]): [string, JsonValue] => [names.get(key) ?? key, value]);
  return Object.fromEntries(entries);
}
