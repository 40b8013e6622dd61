// store://family/version/file: files below the model store's root on the controller's machine.
import { createReadStream } from 'node:fs';
import { realpath, stat } from 'node:fs/promises';
import path from 'node:path';
import { ArtifactError } from './artifact-error.ts';
import { type ArtifactOrigin, tooLarge } from './source.ts';

export function createStoreOrigin(root: string): ArtifactOrigin {
  return {
    scheme: 'store',
    async open({ uri, maximumBytes, signal }) {
      const file = await resolveBelow(root, uri);
      const found = await stat(file);
      if (!found.isFile()) throw new ArtifactError('SourceUnavailable', `${uri} is not a file below ${root}`);
      if (found.size > maximumBytes) throw tooLarge({ uri, maximumBytes }, found.size);
      return createReadStream(file, { signal });
    },
  };
}

/** The real path, which must lie below the real root: neither `..` nor a symbolic link leads out. */
async function resolveBelow(root: string, uri: string): Promise<string> {
  const relative = decodePath(uri);
  const base = await realpath(root).catch((error: unknown) => {
    throw new ArtifactError('SourceUnavailable', `the model store ${root} cannot be read; set its directory`, { cause: error });
  });
  const file = await realpath(path.join(base, relative)).catch((error: unknown) => {
    throw new ArtifactError(
      'SourceUnavailable',
      `${uri}: there is no file ${relative} below the model store ${root}; put it there or correct the source`,
      {
        cause: error,
      },
    );
  });
  if (!isBelow(base, file)) throw new ArtifactError('SourceNotAllowed', `${uri} leads out of the model store ${root}`);
  return file;
}

function decodePath(uri: string): string {
  const rest = uri.slice('store://'.length);
  let decoded: string;
  try {
    decoded = decodeURIComponent(rest);
  } catch (error) {
    throw new ArtifactError('SourceNotAllowed', `${uri} is not a valid uri`, { cause: error });
  }
  const parts = decoded.split('/');
  if (decoded === '' || decoded.includes('\0') || parts.includes('..'))
    throw new ArtifactError('SourceNotAllowed', `${uri} leads out of the model store: name a path below it`);
  return path.normalize(decoded);
}

function isBelow(base: string, file: string): boolean {
  return file.startsWith(base.endsWith(path.sep) ? base : base + path.sep);
}
