import { productVersion } from '../../crds/product-version.ts';
import { parseOutputFormat, printJson } from '../output/format.ts';

export function version(flags: { output: string }): void {
  const versions = { jouleops: productVersion, node: process.versions.node, api: 'jouleops.dev/v1alpha1' };
  if (parseOutputFormat(flags.output) === 'json') printJson(versions);
  else process.stdout.write(`jouleops ${versions.jouleops} (${versions.api}, Node ${versions.node})\n`);
}
