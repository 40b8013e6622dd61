// The model repository extension, where the server announces it or answers its paths.
import { type ConformanceCase, groupOf } from '../case.ts';
import { expectThat, NotApplicable } from '../deviation.ts';
import { inferPath, jsonRequest, parseJson, shown, succeeded } from '../rest-server.ts';
import { plainModel, type Target } from '../target.ts';

interface Entry {
  name?: unknown;
  version?: unknown;
  state?: unknown;
}

async function indexOf(target: Target, body: string): Promise<Entry[]> {
  const answer = await target.rest.send('/v2/repository/index', { method: 'POST', body });
  if (answer.status === 404 && !target.extensions.has('model_repository'))
    throw new NotApplicable('the server has no repository index');
  const entries = parseJson(succeeded(answer).body.toString('utf8'));
  expectThat(Array.isArray(entries), () => `${shown(answer)}, which is no list`);
  return entries as Entry[];
}

async function change(target: Target, model: string, what: 'load' | 'unload'): Promise<void> {
  succeeded(await target.rest.send(`/v2/repository/models/${encodeURIComponent(model)}/${what}`, { method: 'POST', body: '{}' }));
}

const unloadAndLoad: ConformanceCase['run'] = async (target) => {
  if (!target.mayUnload) throw new NotApplicable('unloading was not allowed (--unload)');
  const model = plainModel(target);
  await change(target, model.name, 'unload');
  try {
    const gone = await target.rest.send(`/v2/models/${encodeURIComponent(model.name)}/ready`);
    expectThat(gone.status >= 400, () => `after unload ${shown(gone)}`);
  } finally {
    await change(target, model.name, 'load');
  }
  succeeded(await target.rest.send(inferPath(model.name), { method: 'POST', body: jsonRequest(model.sample) }));
};

export const repositoryCases = groupOf('Model repository (extension)', 'repository', [
  [
    'index',
    'required',
    'POST /v2/repository/index lists the models',
    async (target) => {
      const entries = await indexOf(target, '{}');
      const { name } = plainModel(target);
      expectThat(
        entries.some((entry) => entry.name === name),
        `it does not list ${name}`,
      );
    },
  ],
  [
    'state',
    'required',
    'a model that serves is READY in it',
    async (target) => {
      const { name } = plainModel(target);
      const entry = (await indexOf(target, '{}')).find((one) => one.name === name);
      expectThat(entry?.state === 'READY', `its state is ${JSON.stringify(entry?.state)}`);
    },
  ],
  [
    'ready-only',
    'required',
    '{"ready": true} lists only what is READY',
    async (target) => {
      const others = (await indexOf(target, '{"ready": true}')).filter(({ state }) => state !== 'READY');
      expectThat(others.length === 0, () => `it lists ${JSON.stringify(others[0])}`);
    },
  ],
  [
    'empty-body',
    'advised',
    'the index needs no body',
    async (target) => {
      await indexOf(target, '{}');
      succeeded(await target.rest.send('/v2/repository/index', { method: 'POST' }));
    },
  ],
  [
    'load-unknown',
    'required',
    'loading a model that is not there is refused',
    async (target) => {
      await indexOf(target, '{}');
      const answer = await target.rest.send('/v2/repository/models/no-such-model/load', { method: 'POST', body: '{}' });
      expectThat(answer.status >= 400, () => shown(answer));
    },
  ],
  ['unload-and-load', 'required', 'a model that is unloaded is not ready, and serves again after load', unloadAndLoad],
]);
