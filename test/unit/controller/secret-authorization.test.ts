import { describe, expect, it } from 'vitest';
import { authorizationIn } from '../../../controller/artifacts/secret-authorization.ts';

const uri = 'oci://registry.example.org:5000/models/m:1';
const encode = (text: string) => Buffer.from(text).toString('base64');
const secretOf = (fields: Record<string, string>) => ({
  apiVersion: 'v1',
  kind: 'Secret',
  metadata: { name: 's', namespace: 'factory' },
  data: Object.fromEntries(Object.entries(fields).map(([key, value]) => [key, encode(value)])),
});
const docker = (auths: Record<string, unknown>) => ({ '.dockerconfigjson': JSON.stringify({ auths }) });
const read = (fields: Record<string, string>) => authorizationIn(secretOf(fields), 'factory/s', uri);
const plant = `Basic ${encode('plant:secret')}`;

describe('credentials in a Secret', () => {
  it.each<[string, Record<string, string>, string]>([
    ['a token', { token: 'abc\n' }, 'Bearer abc'],
    ['a user name and a password', { username: 'plant', password: 'secret' }, plant],
    ['what docker keeps of the host', docker({ 'registry.example.org:5000': { auth: encode('plant:secret') } }), plant],
    ['the same as an address', docker({ 'https://registry.example.org:5000/v1/': { auth: encode('plant:secret') } }), plant],
    ['the same in two fields', docker({ 'registry.example.org:5000': { username: 'plant', password: 'secret' } }), plant],
  ])('are %s', (_, fields, expected) => {
    expect(read(fields)).toBe(expected);
  });

  it.each<[string, Record<string, string>, string]>([
    ['nothing known', { key: 'x' }, 'has none of "token"'],
    ['half of a pair', { username: 'plant' }, 'has none of "token"'],
    [
      'another host alone',
      docker({ 'registry.example.org': { auth: 'x' } }),
      'has no entry for registry.example.org:5000; it has registry.example.org',
    ],
    ['an entry without credentials', docker({ 'registry.example.org:5000': {} }), 'has neither "auth" nor'],
  ])('name the Secret when it holds %s', (_, fields, message) => {
    expect(() => read(fields)).toThrow(message);
    expect(() => read(fields)).toThrow('factory/s');
  });

  it('are not quoted in a message about a file that is no JSON', () => {
    expect(() => read({ '.dockerconfigjson': '{"auths": hunter2' })).toThrow(/^(?!.*hunter2).*is not JSON/);
  });
});
