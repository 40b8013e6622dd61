// Which model answers a request: the table that a swap changes in one assignment.
import { InferenceError } from '../inference/errors.ts';
import type { ServedModel } from './served-model.ts';

export interface Route {
  namespace: string;
  deployment: string;
  active?: ServedModel;
  candidate?: ServedModel;
  /** Of the requests that name no version; 0 mirrors them to the candidate instead. */
  candidateSharePercent: number;
  /** Why nothing serves, while nothing does. */
  reason?: string;
}

export interface Resolved {
  route: Route;
  model: ServedModel;
  /** To be given the same request, its answer compared and thrown away. */
  shadow?: ServedModel;
}

interface Entry {
  route: Route;
  /** Share not yet given, in percent: spreads the candidate's requests evenly without chance. */
  owed: number;
}

export class Routes {
  readonly #entries = new Map<string, Entry>();

  set(route: Route): void {
    const key = `${route.namespace}/${route.deployment}`;
    this.#entries.set(key, { route, owed: this.#entries.get(key)?.owed ?? 0 });
  }

  /** Only the very route: another may have taken its place meanwhile. */
  delete(route: Route): void {
    const key = `${route.namespace}/${route.deployment}`;
    if (this.#entries.get(key)?.route === route) this.#entries.delete(key);
  }

  list(): Route[] {
    return [...this.#entries.values()].map((entry) => entry.route);
  }

  /** The name that clients use: the deployment's, with its namespace only where two share it. */
  nameOf(route: Route): string {
    const same = this.list().filter((other) => other.deployment === route.deployment);
    return same.length > 1 ? `${route.namespace}/${route.deployment}` : route.deployment;
  }

  /** @throws InferenceError notFound, which names what there is. */
  find(name: string): Route {
    return this.#find(name).route;
  }

  /** @param version of the model, or a revision. @throws InferenceError notFound or unavailable. */
  resolve(name: string, version: string | undefined): Resolved {
    const entry = this.#find(name);
    const { route } = entry;
    if (version !== undefined) return { route, model: versionOf(name, route, version) };
    const { active, candidate, candidateSharePercent: share } = route;
    if (!active)
      throw new InferenceError('unavailable', `model ${name} does not serve: ${route.reason ?? 'it is not loaded yet'}`, {
        retryAfterSeconds: 5,
      });
    if (!candidate?.model.ready) return { route, model: active };
    if (share === 0) return { route, model: active, shadow: candidate };
    entry.owed += share;
    if (entry.owed < 100) return { route, model: active };
    entry.owed -= 100;
    return { route, model: candidate };
  }

  #find(name: string): Entry {
    const whole = this.#entries.get(name);
    if (whole) return whole;
    const matches = [...this.#entries.values()].filter((entry) => entry.route.deployment === name);
    const [first, second] = matches;
    if (first && !second) return first;
    if (first)
      throw new InferenceError(
        'notFound',
        `model ${name} is in several namespaces: use ${matches.map((entry) => `${entry.route.namespace}/${name}`).join(' or ')}`,
      );
    const known = this.list()
      .map((route) => this.nameOf(route))
      .join(', ');
    throw new InferenceError('notFound', `no model ${name} on this device; there ${known === '' ? 'are none' : `is: ${known}`}`);
  }
}

function versionOf(name: string, route: Route, version: string): ServedModel {
  const slots = [route.active, route.candidate].filter((model) => model !== undefined);
  const found = slots.find((model) => model.slot.modelVersion === version || model.slot.revision === version);
  if (found) return found;
  const known = slots.map((model) => model.slot.modelVersion).join(', ');
  throw new InferenceError('notFound', `model ${name} has no version ${version} here; loaded: ${known === '' ? 'none' : known}`);
}
