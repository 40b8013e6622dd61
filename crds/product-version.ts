import { readFileSync } from 'node:fs';

interface PackageFile {
  version: string;
}

/** The version of every part, as package.json says it: agents report it, metrics and discovery carry it. */
export const productVersion = (JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as PackageFile)
  .version;
