import { isDatatype } from '../../../agent/inference/datatypes.ts';
import { type ConformanceCase, groupOf } from '../case.ts';
import { expectThat, NotApplicable } from '../deviation.ts';
import { objectIn, type RestAnswer, refused, shown, succeeded } from '../rest-server.ts';
import { plainModel, type Target } from '../target.ts';

const pathOf = (name: string, version?: string) =>
  `/v2/models/${encodeURIComponent(name)}${version === undefined ? '' : `/versions/${encodeURIComponent(version)}`}`;

async function metadata(target: Target): Promise<Record<string, unknown>> {
  return objectIn(succeeded(await target.rest.send(pathOf(plainModel(target).name))));
}

/** A version of the model that may be asked for. @throws NotApplicable */
function versionOf(target: Target): { name: string; version: string } {
  const found = target.models.find((model) => model.version !== undefined);
  if (found?.version === undefined) throw new NotApplicable('no model under test lists a version');
  return { name: found.name, version: found.version };
}

const tensorsOf =
  (field: 'inputs' | 'outputs'): ConformanceCase['run'] =>
  async (target) => {
    const list = (await metadata(target))[field];
    expectThat(Array.isArray(list) && list.length > 0, `its ${field} are ${JSON.stringify(list)}`);
    for (const tensor of list as Record<string, unknown>[]) {
      const { name, datatype, shape } = tensor;
      expectThat(typeof name === 'string' && name !== '', `one of its ${field} is ${JSON.stringify(tensor)}`);
      expectThat(
        typeof datatype === 'string' && isDatatype(datatype),
        `${field} ${String(name)} has datatype ${JSON.stringify(datatype)}`,
      );
      expectThat(
        Array.isArray(shape) && shape.every((size) => Number.isInteger(size) && (size as number) >= -1),
        `${field} ${String(name)} has shape ${JSON.stringify(shape)}`,
      );
    }
    const names = new Set((list as { name: string }[]).map(({ name }) => name));
    expectThat(names.size === (list as unknown[]).length, `two of its ${field} have one name`);
  };

const refusedAt =
  (path: (target: Target) => string): ConformanceCase['run'] =>
  async (target) =>
    refused(await target.rest.send(path(target)), [404]);

function notReady(answer: RestAnswer): void {
  expectThat(answer.status >= 400, () => shown(answer));
}

export const metadataCases = groupOf('Metadata and readiness of models', 'model', [
  [
    'metadata',
    'required',
    'GET /v2/models/MODEL answers 200 with the model’s name',
    async (target) => {
      const model = plainModel(target);
      const { name } = await metadata(target);
      expectThat(name === model.name, `it names ${JSON.stringify(name)} for ${model.name}`);
    },
  ],
  [
    'platform',
    'required',
    'it names the platform',
    async (target) => {
      const { platform } = await metadata(target);
      expectThat(typeof platform === 'string', `its platform is ${JSON.stringify(platform)}`);
    },
  ],
  [
    'versions',
    'required',
    'versions, where given, are texts',
    async (target) => {
      const { versions } = await metadata(target);
      const fine =
        versions === undefined || (Array.isArray(versions) && versions.every((version) => typeof version === 'string'));
      expectThat(fine, `its versions are ${JSON.stringify(versions)}`);
    },
  ],
  ['inputs', 'required', 'every input has a name of its own, a datatype and a shape', tensorsOf('inputs')],
  ['outputs', 'required', 'every output has a name of its own, a datatype and a shape', tensorsOf('outputs')],
  [
    'ready',
    'required',
    'GET /v2/models/MODEL/ready answers 200',
    async (target) => {
      succeeded(await target.rest.send(`${pathOf(plainModel(target).name)}/ready`));
    },
  ],
  [
    'ready-body',
    'required',
    'it answers {"name": MODEL, "ready": true}',
    async (target) => {
      const { name } = plainModel(target);
      const answer = succeeded(await target.rest.send(`${pathOf(name)}/ready`));
      const body = objectIn(answer);
      expectThat(body['name'] === name && body['ready'] === true, () => shown(answer));
    },
  ],
  [
    'version-metadata',
    'required',
    'a version that it lists has metadata of its own',
    async (target) => {
      const { name, version } = versionOf(target);
      const answer = succeeded(await target.rest.send(pathOf(name, version)));
      expectThat(objectIn(answer)['name'] === name, () => shown(answer));
    },
  ],
  [
    'version-ready',
    'required',
    'a version that it lists is ready',
    async (target) => {
      const { name, version } = versionOf(target);
      succeeded(await target.rest.send(`${pathOf(name, version)}/ready`));
    },
  ],
  [
    'encoded-name',
    'advised',
    'a name may be percent-encoded',
    async (target) => {
      const { name } = plainModel(target);
      const encoded = [...Buffer.from(name)].map((byte) => `%${byte.toString(16).padStart(2, '0').toUpperCase()}`).join('');
      succeeded(await target.rest.send(`/v2/models/${encoded}/ready`));
    },
  ],
  ['unknown', 'required', 'metadata of an unknown model are refused with an error', refusedAt(() => pathOf('no-such-model'))],
  [
    'unknown-ready',
    'required',
    'an unknown model is not ready',
    async (target) => {
      notReady(await target.rest.send(`${pathOf('no-such-model')}/ready`));
    },
  ],
  [
    'unknown-version',
    'required',
    'metadata of an unknown version are refused with an error',
    refusedAt((target) => pathOf(versionOf(target).name, 'no-such-version')),
  ],
  [
    'unknown-version-ready',
    'required',
    'an unknown version is not ready',
    async (target) => {
      notReady(await target.rest.send(`${pathOf(versionOf(target).name, 'no-such-version')}/ready`));
    },
  ],
]);
