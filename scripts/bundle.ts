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

/**
 * Of undici the agent uses an Agent and `request`; the rest of it (fetch, caches, mocks, proxies) would be read, kept and paid for
 * on every device. An import of anything else fails the build, and then belongs here.
 */
const usedOfUndici: Plugin = {
  name: 'used-of-undici',
  load(id) {
    if (!id.endsWith('/node_modules/undici/index.js')) return null;
    return {
      moduleSideEffects: true,
      code: `
        import Agent from './lib/dispatcher/agent.js';
        import Dispatcher from './lib/dispatcher/dispatcher.js';
        import dispatchRequest from './lib/api/api-request.js';
        import global from './lib/global.js';
        import util from './lib/core/util.js';
        Dispatcher.prototype.request = dispatchRequest;
        const request = (url, { dispatcher = global.getGlobalDispatcher(), ...options } = {}) => {
          const { origin, pathname, search } = util.parseURL(url);
          return dispatcher.request({ ...options, origin, path: pathname + search, method: options.method ?? (options.body ? 'PUT' : 'GET') });
        };
        export { Agent, request };
      `,
    };
  },
};

/** V8 keeps a source with one character beyond Latin-1 in two bytes per character. */
const oneByte: Plugin = {
  name: 'one-byte',
  generateBundle(_, bundle) {
    for (const chunk of Object.values(bundle))
      if (chunk.type === 'chunk')
        chunk.code = chunk.code.replace(/[\u0080-\uffff]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`);
  },
};

await rm(target, { recursive: true, force: true });
await build({
  cwd: root,
  // The processes that the agent starts are entries of their own, where its code looks for them.
  input: { jouleops: 'cli/jouleops.ts', 'child/main': 'agent/inference/child/main.ts', child: 'energy/graph/extract/child.ts' },
  platform: 'node',
  external: ['onnxruntime-node', /\.node$/],
  plugins: [agentOnly, usedOfUndici, oneByte],
  output: { dir: target, format: 'esm', entryFileNames: '[name].js', chunkFileNames: 'part-[name].js', minify: true },
  logLevel: 'warn',
});
// Where the code looks for its version, and what tells Node that these files are modules.
const { name, version, license } = JSON.parse(await readFile(path.join(root, 'package.json'), 'utf8')) as Record<string, string>;
await writeFile(path.join(folder, 'package.json'), `${JSON.stringify({ name, version, license, type: 'module' })}\n`);
