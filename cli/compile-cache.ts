import { enableCompileCache } from 'node:module';
import { join } from 'node:path';

/**
 * Keeps what Node makes of the sources that are loaded from now on (types stripped, functions compiled) below the data directory.
 * From its second start on, a controller needs no TypeScript stripper: 23 MiB less, and a faster start.
 */
export function keepCompiled(dataDirectory: string): void {
  if (process.env['NODE_COMPILE_CACHE'] === undefined) enableCompileCache(join(dataDirectory, 'compile-cache'));
}
