// Energy that another program measured and pushes: typed units only, so that nothing has to be guessed. Pure.
import { type Boundary, boundaries } from '../../../energy/prediction/prediction.ts';

export interface ExternalPush {
  source: string;
  boundary: Boundary;
  joules: number;
  /** Which fields the energy was read from. */
  parsedFrom: string;
  /** The sender's own monotonic seconds: a repeated push is not counted twice. */
  monotonicSeconds?: number;
}

export class PushError extends Error {}

const joulesPer: Record<string, number> = { energy_j: 1, energy_mj: 1e-3, energy_wh: 3600, energy_mwh: 3.6 };
const wattsPer: Record<string, number> = { power_w: 1, power_mw: 1e-3 };
const namePattern = /^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/;

/** @throws PushError, which names the field. */
export function parsePush(body: unknown): ExternalPush {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) throw new PushError('the body is not a JSON object');
  const fields = body as Record<string, unknown>;
  const source = fields['source'] ?? 'push';
  if (typeof source !== 'string' || !namePattern.test(source))
    throw new PushError('source is not a short name of letters, digits, dots and hyphens');
  const pushed = fields['boundary'] ?? 'Board';
  const boundary = boundaries.find((one) => one === pushed);
  if (!boundary) throw new PushError(`boundary is not one of ${boundaries.join(', ')}`);
  const monotonicSeconds = fields['monotonic_s'] === undefined ? undefined : amount(fields, 'monotonic_s');
  return {
    source,
    boundary,
    ...energyOf(fields),
    ...(monotonicSeconds === undefined ? {} : { monotonicSeconds }),
  };
}

function energyOf(fields: Record<string, unknown>): { joules: number; parsedFrom: string } {
  const energies = Object.keys(joulesPer).filter((name) => fields[name] !== undefined);
  const [energy, second] = energies;
  if (second !== undefined) throw new PushError(`${energies.join(' and ')} are given: send one`);
  if (energy !== undefined) return { joules: amount(fields, energy) * (joulesPer[energy] ?? Number.NaN), parsedFrom: energy };
  if (fields['energy_mah'] !== undefined)
    return { joules: amount(fields, 'energy_mah') * 3.6 * amount(fields, 'voltage_v'), parsedFrom: 'energy_mah*voltage_v' };
  const power = Object.keys(wattsPer).find((name) => fields[name] !== undefined);
  if (power === undefined)
    throw new PushError(
      `no energy in it: send one of ${[...Object.keys(joulesPer), 'energy_mah with voltage_v', ...Object.keys(wattsPer).map((name) => `${name} with duration_s`)].join(', ')}`,
    );
  const duration = fields['duration_s'] === undefined && fields['latency_s'] !== undefined ? 'latency_s' : 'duration_s';
  return {
    joules: amount(fields, power) * (wattsPer[power] ?? Number.NaN) * amount(fields, duration),
    parsedFrom: `${power}*${duration}`,
  };
}

function amount(fields: Record<string, unknown>, name: string): number {
  const value = fields[name];
  if (typeof value !== 'number' || !Number.isFinite(value) || value < 0)
    throw new PushError(
      `${name} is ${value === undefined ? 'missing' : JSON.stringify(value)}: a number that is not negative is needed`,
    );
  return value;
}
