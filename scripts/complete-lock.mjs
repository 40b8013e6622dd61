// Run after `npm install` changed the lock file: a registry mirror that lacks other platforms' binaries makes npm write a lock
// file that `npm ci` then refuses. Adds those optional packages, with the system each is for, so that one lock serves every platform.
import { readFileSync, writeFileSync } from 'node:fs';

const file = new URL('../package-lock.json', import.meta.url);
const lock = JSON.parse(readFileSync(file, 'utf8'));
const systems = /android|darwin|freebsd|linux|win32|openharmony|sunos|aix|netbsd|openbsd/;
const processors = /arm64|riscv64|ppc64|s390x|ia32|x64|loong64|mips64el|wasm32|arm/;

function describe(name, version, parent) {
  const text = name.split('/').pop();
  const os = systems.exec(text)?.[0];
  const cpu = processors.exec(text)?.[0];
  const libc = os === 'linux' ? (/musl/.test(text) ? 'musl' : /gnu/.test(text) ? 'glibc' : undefined) : undefined;
  if (!os && !cpu) return undefined;
  return {
    version,
    ...(cpu && { cpu: [cpu] }),
    ...(parent.dev && { dev: true }),
    ...(libc && { libc: [libc] }),
    optional: true,
    ...(os && { os: [os] }),
  };
}

for (const [path, entry] of Object.entries(lock.packages)) {
  for (const [name, range] of Object.entries(entry.optionalDependencies ?? {})) {
    const version = range.replace(/^[\^~]/, '');
    const nested = `${path}/node_modules/${name}`;
    const hoisted = `node_modules/${name}`;
    if (lock.packages[nested] || lock.packages[hoisted]?.version === version) continue;
    const added = describe(name, version, entry);
    if (added) lock.packages[lock.packages[hoisted] ? nested : hoisted] = added;
  }
}
lock.packages = Object.fromEntries(Object.entries(lock.packages).sort(([a], [b]) => (a < b ? -1 : 1)));
writeFileSync(file, `${JSON.stringify(lock, null, 2)}\n`);
