import { readFileSync } from 'node:fs';

interface PackageFile {
  version: string;
}

/** The product's version, as package.json says it: agents report it, metrics carry it. */
export const productVersion = (JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as PackageFile)
  .version;
