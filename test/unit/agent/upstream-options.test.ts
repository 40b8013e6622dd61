import { describe, expect, it } from 'vitest';
import { parseUpstream } from '../../../agent/engines/upstream/upstream-options.ts';

describe('an upstream on the command line', () => {
  it('is a name and an address, and where it reads models from', () => {
    expect(parseUpstream('triton=http://127.0.0.1:8000/')).toEqual({ name: 'triton', url: 'http://127.0.0.1:8000' });
    expect(parseUpstream('gpu.0=https://localhost:8000,repository=/var/lib/models')).toEqual({
      name: 'gpu.0',
      url: 'https://localhost:8000',
      repository: '/var/lib/models',
    });
  });

  it.each([
    ['http://127.0.0.1:8000', 'does not begin with NAME='],
    ['Triton=http://127.0.0.1:8000', 'does not begin with NAME='],
    ['triton=127.0.0.1:8000', 'no http(s) URL'],
    ['triton=ftp://host', 'no http(s) URL'],
    ['triton=http://user:secret@host', 'credentials'],
    ['triton=http://host,directory=/models', 'there is repository=DIR'],
    ['triton=http://host,repository=', 'there is repository=DIR'],
  ])('is refused as %s', (text, message) => {
    expect(() => parseUpstream(text)).toThrow(message);
  });
});
