// POST /telemetry: energy from a meter that this agent cannot read itself.
import type { ExternalSources } from '../power/sources/external.ts';
import { PushError, parsePush } from '../power/sources/external-push.ts';
import { type Handler, sendJson } from './http-server.ts';
import { BodyError, readBody } from './request-body.ts';

const maximumBytes = 16 * 1024;

/** @param sources undefined on a simulated device, where measured power has no place. */
export function createTelemetryHandler(sources: ExternalSources | undefined): Handler {
  return async ({ method, path, request, response }) => {
    if (path !== '/telemetry') return false;
    if (method !== 'POST') {
      sendJson(response, 405, { error: '/telemetry takes POST' }, { allow: 'POST' });
      return true;
    }
    try {
      const body = await readBody(request, maximumBytes);
      if (!sources) {
        sendJson(response, 409, { error: 'this device is simulated: measured and simulated power are never mixed' });
        return true;
      }
      const push = parsePush(parse(body));
      sources.accept(push);
      sendJson(response, 202, {
        source: `external:${push.source}`,
        boundary: push.boundary,
        joules: push.joules,
        parsed_from: push.parsedFrom,
      });
    } catch (error) {
      if (error instanceof PushError) sendJson(response, 400, { error: error.message });
      else if (error instanceof BodyError) sendJson(response, error.status, { error: error.message });
      else throw error;
    }
    return true;
  };
}

function parse(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString('utf8'));
  } catch (error) {
    throw new PushError(`the body is not JSON: ${(error as Error).message}`);
  }
}
