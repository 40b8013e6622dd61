// The script as Argo CD runs it: with Lua's base functions alone and the object in the global `obj`.
import { readFileSync } from 'node:fs';
import fengari from 'fengari';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';

const { lauxlib, lua, lualib, to_luastring } = fengari;
const text = readFileSync(new URL('../../../manifests/argocd/health.yaml', import.meta.url), 'utf8');
const { data } = parse(text) as { data: Record<string, string> };

function healthOf(kind: string, object: object): { status: string; message: string } {
  const script = data[`resource.customizations.health.jouleops.dev_${kind}`];
  if (script === undefined) throw new Error(`manifests/argocd/health.yaml says nothing of ${kind}`);
  const state = lauxlib.luaL_newstate();
  lauxlib.luaL_requiref(state, to_luastring('_G'), lualib.luaopen_base, true);
  const program = [
    `obj = ${literal({ kind, ...object })}`,
    `local function check()\n${script}\nend`,
    `local hs = check()\nreturn hs.status .. "\\n" .. hs.message`,
  ].join('\n');
  const failed = lauxlib.luaL_dostring(state, to_luastring(program));
  const answer = lua.lua_tojsstring(state, -1);
  if (failed) throw new Error(`the script for ${kind}: ${answer}`);
  const [status = '', message = ''] = answer.split('\n');
  return { status, message };
}

/** Plain JSON as Lua text. */
function literal(value: unknown): string {
  if (Array.isArray(value)) return `{${value.map(literal).join(', ')}}`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const fields = Object.entries(value).map(([key, entry]) => `[${JSON.stringify(key)}] = ${literal(entry)}`);
  return `{${fields.join(', ')}}`;
}

type Said = [type: string, status: string, reason: string, message?: string];

function object(said: Said[], { spec = {}, observedGeneration = 2 as number | 'absent', ready = 2 } = {}) {
  const conditions = said.map(([type, status, reason, message = 'because']) => ({
    type,
    status,
    reason,
    message,
    observedGeneration: ready,
  }));
  const seen = observedGeneration === 'absent' ? {} : { observedGeneration };
  return { metadata: { name: 'a', generation: 2 }, spec, status: { ...seen, conditions } };
}

describe('the health check for Argo CD', () => {
  it.each([
    ['ModelDeployment', 'Healthy', [['Ready', 'True', 'Succeeded']]],
    [
      'ModelDeployment',
      'Progressing',
      [
        ['Ready', 'False', 'Progressing'],
        ['Reconciling', 'True', 'Progressing'],
      ],
    ],
    [
      'ModelDeployment',
      'Degraded',
      [
        ['Ready', 'False', 'BudgetExceededPredicted'],
        ['Stalled', 'True', 'BudgetExceededPredicted'],
      ],
    ],
    [
      'ModelDeployment',
      'Suspended',
      [
        ['Ready', 'False', 'AwaitingPromotion'],
        ['Reconciling', 'True', 'AwaitingPromotion'],
      ],
    ],
    ['ModelVersion', 'Healthy', [['Ready', 'True', 'Analyzed']]],
    [
      'ModelVersion',
      'Progressing',
      [
        ['Ready', 'Unknown', 'Progressing'],
        ['Reconciling', 'True', 'Progressing'],
      ],
    ],
    [
      'ModelVersion',
      'Degraded',
      [
        ['Ready', 'False', 'DigestMismatch'],
        ['Stalled', 'True', 'DigestMismatch'],
      ],
    ],
    ['FleetRepository', 'Healthy', [['Ready', 'True', 'ReconciliationSucceeded']]],
    [
      'FleetRepository',
      'Progressing',
      [
        ['Ready', 'False', 'GitOperationFailed'],
        ['Reconciling', 'True', 'GitOperationFailed'],
      ],
    ],
    [
      'FleetRepository',
      'Degraded',
      [
        ['Ready', 'False', 'BuildFailed'],
        ['Stalled', 'True', 'BuildFailed'],
      ],
    ],
    ['EdgeDevice', 'Healthy', [['Ready', 'True', 'AgentReady']]],
    ['EdgeDevice', 'Progressing', [['Ready', 'False', 'AgentNotJoined']]],
    ['EdgeDevice', 'Degraded', [['Ready', 'Unknown', 'AgentUnreachable']]],
    ['EdgeDevice', 'Degraded', [['Ready', 'False', 'NoDeviceClass']]],
    ['DeviceClass', 'Degraded', [['Ready', 'False', 'NoPredictor']]],
  ] satisfies [string, string, Said[]][])('calls a %s %s when it says %j', (kind, status, said) => {
    expect(healthOf(kind, object(said))).toEqual({ status, message: 'because' });
  });

  it.each(['ModelDeployment', 'FleetRepository'])('calls a %s Suspended while spec.suspend is set', (kind) => {
    const suspended = object([['Ready', 'True', 'Suspended']], { spec: { suspend: true } });
    expect(healthOf(kind, suspended)).toEqual({ status: 'Suspended', message: 'spec.suspend is set' });
  });

  it('waits for the controller, and for what it says of this generation', () => {
    const waits = { status: 'Progressing', message: 'waits for the controller' };
    expect(healthOf('ModelVersion', { metadata: { name: 'a', generation: 1 }, spec: {} })).toEqual(waits);
    expect(healthOf('EdgeDevice', object([['PowerMeasured', 'True', 'Succeeded']]))).toEqual(waits);
    const unseen = { status: 'Progressing', message: 'the controller has not seen the last change yet' };
    expect(healthOf('ModelDeployment', object([['Ready', 'True', 'Succeeded']], { observedGeneration: 1 }))).toEqual(unseen);
    const device = object([['Ready', 'True', 'AgentReady']], { observedGeneration: 'absent', ready: 1 });
    expect(healthOf('EdgeDevice', device)).toEqual(unseen);
  });

  it('says the reason where there is no message', () => {
    expect(healthOf('ModelVersion', object([['Ready', 'True', 'Analyzed', '']])).message).toBe('Analyzed');
  });
});
