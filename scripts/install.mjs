// Runs before `npm start` and `npm test`, on whatever Node is there: installs the locked dependencies
// (our own Node 24 among them) when node_modules is missing or older than the lock file.
import { spawnSync } from 'node:child_process';
import { statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const modified = (path) => statSync(join(root, path), { throwIfNoEntry: false })?.mtimeMs ?? 0;

if (modified('node_modules/.package-lock.json') < modified('package-lock.json')) {
  console.error('Installing dependencies (about 20 seconds)…');
  const npm = process.env.npm_execpath;
  const [command, args] = npm ? [process.execPath, [npm]] : ['npm', []];
  const result = spawnSync(command, [...args, 'ci', '--no-audit', '--no-fund', '--loglevel=error'], {
    cwd: root,
    stdio: ['ignore', 'ignore', 'inherit'],
    // Its binaries for the CPU are in the package; its own install script would fetch others.
    env: { ...process.env, ONNXRUNTIME_NODE_INSTALL: 'skip' },
  });
  if (result.status !== 0) {
    console.error(
      `jouleops: "npm ci" failed (${result.error?.message ?? `exit ${result.status}`}). Look at the lines above, mend, and run the command again.`,
    );
    process.exit(1);
  }
}
