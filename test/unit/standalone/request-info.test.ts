import { describe, expect, it } from 'vitest';
import { readRequestInfo } from '../../../standalone/http/request-info.ts';
import { StatusError } from '../../../standalone/http/status-error.ts';

const read = (method: string, target: string) => {
  const info = readRequestInfo(method, target);
  if (info?.kind !== 'resource') return info?.path;
  const { verb, group, version, plural, namespace, name, subresource } = info;
  return [verb, group, version, plural, namespace ?? '-', name ?? '-', subresource ?? '-'].join(' ');
};

describe('what a request asks for', () => {
  it.each([
    ['GET', '/api/v1/namespaces', 'list  v1 namespaces - - -'],
    ['GET', '/api/v1/namespaces/a', 'get  v1 namespaces - a -'],
    ['PUT', '/api/v1/namespaces/a/status', 'update  v1 namespaces - a status'],
    ['GET', '/api/v1/namespaces/a/configmaps', 'list  v1 configmaps a - -'],
    ['GET', '/api/v1/namespaces/a/configmaps/b', 'get  v1 configmaps a b -'],
    ['DELETE', '/api/v1/namespaces/a/configmaps', 'deletecollection  v1 configmaps a - -'],
    ['GET', '/apis/jouleops.dev/v1alpha1/edgedevices?watch=true', 'watch jouleops.dev v1alpha1 edgedevices - - -'],
    ['GET', '/apis/jouleops.dev/v1alpha1/edgedevices?watch=false', 'list jouleops.dev v1alpha1 edgedevices - - -'],
    [
      'PATCH',
      '/apis/jouleops.dev/v1alpha1/namespaces/a/modelinstances/b/status',
      'patch jouleops.dev v1alpha1 modelinstances a b status',
    ],
    ['POST', '/apis/jouleops.dev/v1alpha1/namespaces/a%20b/modelversions', 'create jouleops.dev v1alpha1 modelversions a b - -'],
    ['GET', '/apis', '/apis'],
    ['GET', '/apis/jouleops.dev/v1alpha1/', '/apis/jouleops.dev/v1alpha1'],
    ['GET', '/readyz?verbose', '/readyz'],
    ['GET', '/api/v1/namespaces/a/configmaps/b/status/more', '/api/v1/namespaces/a/configmaps/b/status/more'],
  ])('%s %s is %s', (method, target, meaning) => {
    expect(read(method, target)).toBe(meaning);
  });

  it('is nothing for a method that an API does not have', () => {
    expect(readRequestInfo('TRACE', '/api/v1/namespaces')).toBeUndefined();
  });

  it('cannot be read from half a character', () => {
    expect(() => readRequestInfo('GET', '/api/v1/namespaces/%E0%A4%A')).toThrow(StatusError);
  });
});
