// Models that a server beside the agent runs: brought into it and taken out again by the protocol's own repository extension.
import type { Clock } from '../../../kube/runtime/clock.ts';
import { isDatatype } from '../../inference/datatypes.ts';
import type { Engine, EngineModel, ModelSource } from '../../inference/engine.ts';
import { ModelLoadError } from '../../inference/errors.ts';
import { placeModel } from './model-directory.ts';
import { UpstreamClient, type UpstreamMetadata, UpstreamUnreachable } from './upstream-client.ts';
import { type UpstreamLimits, upstreamDefaults } from './upstream-limits.ts';
import { type UpstreamDeps, UpstreamModel } from './upstream-model.ts';
import type { UpstreamOptions } from './upstream-options.ts';

const pollMilliseconds = 100;

export function createUpstreamEngine(
  upstreams: readonly UpstreamOptions[],
  deps: UpstreamDeps,
  limits: UpstreamLimits = upstreamDefaults,
): Engine {
  return {
    kind: 'OpenInferenceUpstream',
    load: async (source, signal) => {
      const upstream = upstreams.find(({ name }) => name === source.upstreamName);
      if (!upstream) throw new ModelLoadError('LoadFailed', unknownUpstream(source.upstreamName, upstreams));
      const client = new UpstreamClient(upstream.url);
      try {
        return await load(source, upstream, client, deps, limits, signal);
      } catch (error) {
        await client.close();
        signal.throwIfAborted();
        throw asLoadError(error, upstream);
      }
    },
  };
}

async function load(
  source: ModelSource,
  upstream: UpstreamOptions,
  client: UpstreamClient,
  deps: UpstreamDeps,
  limits: UpstreamLimits,
  signal: AbortSignal,
): Promise<EngineModel> {
  const started = deps.clock.monotonic();
  const server = await client.describeServer(signal);
  const model = nameAt(source, upstream);
  if (upstream.repository !== undefined) await placeModel(upstream.repository, model, source.file, source.beside ?? []);
  const owned = await bringUp({ source, upstream, model }, client, deps.clock, limits, signal);
  const metadata = await client.describeModel(model, signal);
  checkSignature(source, upstream, metadata);
  const version = metadata.versions.find((listed) => listed === source.modelVersion);
  return new UpstreamModel(
    {
      source,
      upstream,
      server,
      metadata,
      identity: { model, owned, ...(version === undefined ? {} : { version }) },
      loadMilliseconds: Math.round(deps.clock.monotonic() - started),
    },
    client,
    deps,
    limits,
  );
}

/** Where the agent brings the bytes, each variant has a name of its own; else the upstream knows the model by its version's name. */
function nameAt({ modelName, digest }: ModelSource, { repository }: UpstreamOptions): string {
  return repository === undefined ? modelName : `${modelName}-${digest.replace(/^sha256:/, '').slice(0, 12)}`;
}

/** True when the model was loaded for us. @throws Error */
async function bringUp(
  what: { source: ModelSource; upstream: UpstreamOptions; model: string },
  client: UpstreamClient,
  clock: Clock,
  limits: UpstreamLimits,
  signal: AbortSignal,
): Promise<boolean> {
  const { source, upstream, model } = what;
  const brought = upstream.repository !== undefined;
  if (!brought && (await client.isReady(model, signal))) return false;
  const limit = AbortSignal.timeout(limits.loadTimeoutSeconds * 1000);
  const both = AbortSignal.any([signal, limit]);
  try {
    await client.change(model, 'load', both);
    while (!(await client.isReady(model, both))) await clock.sleep(pollMilliseconds, both);
    return true;
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof UpstreamUnreachable) throw error;
    const why = limit.aborted ? `it was not ready after ${limits.loadTimeoutSeconds} s` : (error as Error).message;
    const next = brought
      ? 'see its log'
      : `put it into the server's repository under that name, or start the agent with --upstream ${upstream.name}=${upstream.url},repository=DIR`;
    throw new ModelLoadError(
      'LoadFailed',
      `upstream ${upstream.name} does not serve ${model} for ${source.name}: ${why}; ${next}`,
    );
  }
}

function checkSignature(source: ModelSource, upstream: UpstreamOptions, { inputs, outputs }: UpstreamMetadata): void {
  const unsupported = (message: string) =>
    new ModelLoadError('UnsupportedModel', `upstream ${upstream.name}, ${source.name}: ${message}`);
  if (inputs.length === 0 || outputs.length === 0)
    throw unsupported('its metadata do not describe inputs and outputs, so no request can be checked');
  for (const { name, datatype, shape } of [...inputs, ...outputs]) {
    if (!isDatatype(datatype)) throw unsupported(`${name} is ${String(datatype)}, which is not carried here: use FP32 or FP16`);
    if (!Array.isArray(shape) || !shape.every(Number.isInteger)) throw unsupported(`${name} has no shape`);
  }
}

function unknownUpstream(name: string | undefined, upstreams: readonly UpstreamOptions[]): string {
  const known = upstreams.map((upstream) => upstream.name).join(', ');
  return `this device has no upstream ${name ?? ''}; it has ${known === '' ? 'none' : known}: start its agent with --upstream ${name ?? 'NAME'}=URL`;
}

function asLoadError(error: unknown, { name, url }: UpstreamOptions): ModelLoadError {
  if (error instanceof ModelLoadError) return error;
  const message = error instanceof Error ? error.message : String(error);
  const next = error instanceof UpstreamUnreachable ? ': see that it runs' : '';
  return new ModelLoadError('LoadFailed', `upstream ${name} at ${url}: ${message}${next}`, { cause: error });
}
