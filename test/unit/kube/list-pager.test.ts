import { expect, test } from 'vitest';
import { ApiError } from '../../../kube/api/api-error.ts';
import { configMaps } from '../../../kube/api/builtins.ts';
import type { Client, ListOptions } from '../../../kube/api/client.ts';
import type { KubeList, KubeObject, Stored } from '../../../kube/api/objects.ts';
import { listAll } from '../../../kube/cache/list-pager.ts';
import { configMap } from '../../support/scripted-server.ts';

const signal = new AbortController().signal;
const expired = () => new ApiError({ status: 410, reason: 'Expired', message: 'expired' });

/** Answers in order and keeps what was asked. */
function scripted(...answers: (Error | { names: string[]; version: string; continue?: string })[]) {
  const asked: string[] = [];
  const client: Pick<Client, 'list'> = {
    async list<T extends KubeObject>(_: unknown, options: ListOptions): Promise<KubeList<T>> {
      asked.push(`${options.limit ?? 'all'} ${options.continue ?? 'first'}`);
      const answer = answers.shift();
      if (answer === undefined) throw new Error('asked too often');
      if (answer instanceof Error) throw answer;
      const items = answer.names.map((name) => configMap(name, '1')) as KubeObject[] as Stored<T>[];
      const { version: resourceVersion, continue: token = '' } = answer;
      return { apiVersion: 'v1', kind: 'List', metadata: { resourceVersion, continue: token }, items };
    },
  };
  const names = async () => {
    const { items, resourceVersion } = await listAll(client, configMaps, { signal });
    return [...items.map((item) => item.metadata.name), resourceVersion];
  };
  return { asked, names };
}

test('walks the pages to the end', async () => {
  const { asked, names } = scripted({ names: ['a'], version: '7', continue: 'x' }, { names: ['b'], version: '7' });
  expect(await names()).toEqual(['a', 'b', '7']);
  expect(asked).toEqual(['500 first', '500 x']);
});

test('begins again when the version expires between pages: no page of the old version is kept', async () => {
  const { asked, names } = scripted({ names: ['old'], version: '7', continue: 'x' }, expired(), { names: ['new'], version: '9' });
  expect(await names()).toEqual(['new', '9']);
  expect(asked).toEqual(['500 first', '500 x', '500 first']);
});

test('where pages expire again and again, asks for all at once, and at last gives up', async () => {
  const page = { names: ['old'], version: '7', continue: 'x' };
  const { asked, names } = scripted(page, expired(), page, expired(), page, expired(), expired());
  await expect(names()).rejects.toMatchObject({ status: 410 });
  expect(asked.at(-1)).toBe('all first');
});

test('another error is not hidden', async () => {
  const { names } = scripted(new Error('broken'));
  await expect(names()).rejects.toThrow('broken');
});
