// The paths of the replaced agent. They read; what they change is off unless a token was given to the agent.
import type { IncomingMessage } from 'node:http';
import type { Clock } from '../../kube/runtime/clock.ts';
import { ArtifactError } from '../artifacts/errors.ts';
import { carriesToken } from '../http/bearer-token.ts';
import { type Handler, sendJson } from '../http/http-server.ts';
import { BodyError, readBody } from '../http/request-body.ts';
import { InferenceError } from '../inference/errors.ts';
import type { NodePower } from '../power/node-power.ts';
import type { DayTotals } from '../record/day-totals.ts';
import { neutralInputs } from '../serving/golden-set.ts';
import type { InferenceService } from '../serving/inference-service.ts';
import type { Routes } from '../serving/routes.ts';
import type { Sample, Telemetry } from '../telemetry/telemetry.ts';
import type { LocalSlots } from './local-slots.ts';
import { oldBenchmark, oldMetrics, oldStateOf, oldStatus } from './old-answers.ts';
import { OldRequestError } from './old-request-error.ts';

interface Deps {
  clock: Clock;
  device: string;
  routes: Routes;
  service: InferenceService;
  power: NodePower;
  telemetry: Telemetry;
  days: DayTotals;
  /** How far each instance is (old-answers.ts). */
  phases: () => readonly string[];
  /** Address of the API server that says what runs here; undefined when this device belongs to none. */
  controlPlane: () => string | undefined;
  /** Undefined: /deploy, /start and /stop are off. */
  token: string | undefined;
  slots: LocalSlots;
}

const maximumBytes = 16 * 1024;
const maximumRuns = 10_000;
const maximumMeasureSeconds = 300;
const methods: Record<string, 'GET' | 'POST'> = {
  '/status': 'GET',
  '/metrics.json': 'GET',
  '/deploy': 'POST',
  '/start': 'POST',
  '/stop': 'POST',
  '/predict': 'POST',
  '/benchmark': 'POST',
  '/measure_energy': 'POST',
};

export function createOldHandler(deps: Deps, signal: AbortSignal): Handler {
  const before: { sample?: Sample } = {};
  return async ({ method, path, request, response }) => {
    const wanted = methods[path];
    if (wanted === undefined) return false;
    if (method !== wanted) {
      sendJson(response, 405, { error: `${path} takes ${wanted}` }, { allow: wanted });
      return true;
    }
    const gone = new AbortController();
    response.once('close', () => gone.abort());
    try {
      const fields = wanted === 'POST' ? await fieldsOf(request) : {};
      // A measurement is for whoever waits for it; a model that was ordered is fetched all the same.
      const ends = path === '/deploy' ? signal : AbortSignal.any([signal, gone.signal]);
      sendJson(response, 200, await answer(deps, path, fields, request, before, ends));
    } catch (error) {
      if (gone.signal.aborted) return true; // nobody waits for an answer
      const status = statusOf(error);
      if (status === undefined) throw error;
      sendJson(response, status, { status: 'error', error: (error as Error).message });
    }
    return true;
  };
}

async function answer(
  deps: Deps,
  path: string,
  fields: Record<string, unknown>,
  request: IncomingMessage,
  before: { sample?: Sample },
  signal: AbortSignal,
): Promise<unknown> {
  switch (path) {
    case '/status': {
      const { device, power, days, clock } = deps;
      const today = days.on(clock.now()).find(({ of }) => of === power.total?.source.name)?.joules;
      return oldStatus({
        device,
        state: stateOf(deps),
        routes: deps.routes.list(),
        power,
        joulesToday: today,
        controlPlane: deps.controlPlane(),
      });
    }
    case '/metrics.json': {
      const { sample } = deps.telemetry;
      const earlier = before.sample;
      if (earlier !== sample) before.sample = sample;
      return oldMetrics(sample, earlier, deps.device, stateOf(deps));
    }
    case '/deploy': {
      authorize(deps, request);
      const slot = await deps.slots.deploy(fields, signal);
      const noted =
        fields['energy_budget_mwh'] !== undefined && !slot.budget
          ? {
              budget_note:
                'energy_budget_mwh does not say for how many inferences: send budget_inferences with it, or energy_per_inference',
            }
          : {};
      return { status: 'ok', message: 'the model is loaded next', model: slot.modelVersionName, digest: slot.digest, ...noted };
    }
    case '/start': {
      authorize(deps, request);
      return { status: 'ok', model: (await deps.slots.start()).modelVersionName };
    }
    case '/stop':
      authorize(deps, request);
      await deps.slots.stop();
      return { status: 'ok', state: 'idle' };
    case '/predict':
      return predict(deps, fields, signal);
    case '/benchmark':
      return benchmark(deps, fields, signal);
    default:
      return measure(deps, fields, signal);
  }
}

function stateOf({ routes, phases }: Deps) {
  return oldStateOf(routes.list(), phases());
}

/** @throws OldRequestError */
function authorize({ token, controlPlane }: Deps, request: IncomingMessage): void {
  if (token === undefined)
    throw new OldRequestError(403, 'off: start the agent with --deploy-token-file to let scripts change what it serves');
  if (!carriesToken(request.headers.authorization, [token]))
    throw new OldRequestError(401, 'send the token of --deploy-token-file as "Authorization: Bearer TOKEN"');
  const server = controlPlane();
  if (server !== undefined)
    throw new OldRequestError(
      409,
      `a control plane says what this device serves: apply a ModelDeployment at ${server}, or POST to the controller's /api/deploy`,
    );
}

/** The model that is named, or the only one there is. @throws OldRequestError */
function nameOf({ routes }: Deps, fields: Record<string, unknown>): string {
  const named = fields['model_name'];
  if (typeof named === 'string') return named;
  const all = routes.list();
  const serving = all.filter((route) => route.active?.model.ready);
  // While one takes the place of another, the one that serves is meant.
  const [first, second] = serving.length > 0 ? serving : all;
  if (first && !second) return routes.nameOf(first);
  throw new OldRequestError(409, first ? 'several models serve here: name one with model_name' : 'no model serves here');
}

async function infer(deps: Deps, name: string, signal: AbortSignal) {
  const { model } = deps.routes.resolve(name, undefined);
  return deps.service.infer({ name, inputs: neutralInputs(model.model.inputs), outputs: [], protocol: 'http', signal });
}

async function predict(deps: Deps, fields: Record<string, unknown>, signal: AbortSignal) {
  if (fields['inputs'] !== undefined)
    throw new OldRequestError(
      400,
      'real inputs go to POST /v2/models/NAME/infer; /predict runs zeros, as the old agent ran noise',
    );
  const name = nameOf(deps, fields);
  const { outputs, latencyMicroseconds } = await infer(deps, name, signal);
  return {
    status: 'ok',
    model: name,
    latency_s: latencyMicroseconds / 1e6,
    dummy_input: true,
    outputs: outputs.map(({ name: output, shape }) => ({ name: output, shape })),
  };
}

async function benchmark(deps: Deps, fields: Record<string, unknown>, signal: AbortSignal) {
  const name = nameOf(deps, fields);
  const warmups = countOf(fields, 'warmup_runs', 5, 0);
  const runs = countOf(fields, 'benchmark_runs', 30, 1);
  for (let run = 0; run < warmups; run++) await infer(deps, name, signal);
  const seconds: number[] = [];
  const started = deps.clock.monotonic();
  for (let run = 0; run < runs; run++) {
    signal.throwIfAborted();
    seconds.push((await infer(deps, name, signal)).latencyMicroseconds / 1e6);
  }
  return oldBenchmark(name, seconds, (deps.clock.monotonic() - started) / 1000, 0);
}

/** Everything that the node drew, models or not: what the old endpoint measured as well. */
async function measure({ power, clock }: Deps, fields: Record<string, unknown>, signal: AbortSignal) {
  const meter = power.total;
  if (!meter) throw new OldRequestError(503, 'this device has no power source, so no energy is shown; see /debug/sensors');
  const duration = fields['duration_s'] ?? 10;
  if (typeof duration !== 'number' || !(duration > 0 && duration <= maximumMeasureSeconds))
    throw new OldRequestError(400, `duration_s is a number above 0, at most ${maximumMeasureSeconds}`);
  const before = await meter.sample(signal);
  const started = clock.monotonic();
  await clock.sleep(duration * 1000, signal);
  const after = await meter.sample(signal);
  const seconds = (clock.monotonic() - started) / 1000;
  if (!meter.up || after.gapSeconds !== before.gapSeconds)
    throw new OldRequestError(503, `${meter.source.name} did not answer all the time; a gap is not filled`);
  const joules = after.joules - before.joules;
  return {
    status: 'ok',
    energy_mwh: joules / 3.6,
    energy_j: joules,
    avg_power_mw: (joules / seconds) * 1000,
    duration_s: seconds,
    source: meter.source.name,
    boundary: meter.source.boundary,
  };
}

function countOf(fields: Record<string, unknown>, name: string, otherwise: number, least: number): number {
  const value = fields[name] ?? otherwise;
  if (typeof value === 'number' && Number.isInteger(value) && value >= least && value <= maximumRuns) return value;
  throw new OldRequestError(400, `${name} is a whole number from ${least} to ${maximumRuns}`);
}

async function fieldsOf(request: IncomingMessage): Promise<Record<string, unknown>> {
  const text = (await readBody(request, maximumBytes)).toString('utf8').trim();
  if (text === '') return {};
  try {
    const body: unknown = JSON.parse(text);
    if (typeof body === 'object' && body !== null && !Array.isArray(body)) return body as Record<string, unknown>;
  } catch (error) {
    throw new OldRequestError(400, `the body is not JSON: ${(error as Error).message}`, { cause: error });
  }
  throw new OldRequestError(400, 'the body is not a JSON object');
}

function statusOf(error: unknown): number | undefined {
  if (error instanceof OldRequestError || error instanceof BodyError) return error.status;
  if (error instanceof ArtifactError) return 507;
  if (!(error instanceof InferenceError)) return undefined;
  return { invalid: 400, notFound: 404, queueFull: 429, deadline: 503, cancelled: 503, unavailable: 503, failed: 500 }[
    error.kind
  ];
}
