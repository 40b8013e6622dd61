import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

/** Version of the installed onnxruntime-node without loading it: 30 MiB of memory that only the models' processes need. */
export function installedRuntimeVersion(): string {
  try {
    const file = createRequire(import.meta.url).resolve('onnxruntime-node/package.json');
    return (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version;
  } catch {
    return '';
  }
}
