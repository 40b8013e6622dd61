// `npm run bundle [-- DIR]`: the agent as plain JavaScript in dist/agent (or DIR/agent), which is what its image runs.
// A device then strips no types (17 MiB and 70 ms per process) and reads one file instead of hundreds.
import { readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { build, type Plugin } from 'rolldown';

const root = path.join(import.meta.dirname, '..');
const folder = path.resolve(root, process.argv[2] ?? 'dist');
const target = path.join(folder, 'agent');

/** Commands of the command line that a device needs; every other one says so instead of being there. */
const commands = new Set(['agent', 'version']);

const agentOnly: Plugin = {
  name: 'agent-only',
  load(id) {
    const command = /\/cli\/commands\/(.+)\.ts$/.exec(id)?.[1];
    if (command === undefined || commands.has(command)) return null;
    const message = `this is a device's part of Jouleops: it has no "${command}"`;
    return `throw Object.assign(new Error(${JSON.stringify(message)}), { next: 'run it where the whole of Jouleops is installed' });`;
  },
};

await rm(target, { recursive: true, force: true });
await build({
  cwd: root,
  // The processes that the agent starts are entries of their own, where its code looks for them.
  input: { jouleops: 'cli/jouleops.ts', 'child/main': 'agent/inference/child/main.ts', child: 'energy/graph/extract/child.ts' },
  platform: 'node',
  external: ['onnxruntime-node', /\.node$/],
  plugins: [agentOnly],
  output: { dir: target, format: 'esm', entryFileNames: '[name].js', chunkFileNames: 'part-[name].js', minify: true },
  logLevel: 'warn',
});
// Where the code looks for its version, and what tells Node that these files are modules.
const { name, version, license } = JSON.parse(await readFile(path.join(root, 'package.json'), 'utf8')) as Record<string, string>;
await writeFile(path.join(folder, 'package.json'), `${JSON.stringify({ name, version, license, type: 'module' })}\n`);
