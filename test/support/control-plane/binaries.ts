// Finds kube-apiserver, etcd and kube-controller-manager, or builds them once with Go.
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rename, rm } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { withFolderLock } from './folder-lock.ts';

export interface Binaries {
  kind: 'found';
  etcd: string;
  apiServer: string;
  /** Absent from the archives that KUBEBUILDER_ASSETS points to. */
  controllerManager?: string;
}

/** Why the suite cannot run here, and what would change that. */
export interface NoBinaries {
  kind: 'absent';
  reason: string;
}

const run = promisify(execFile);
const moduleFolder = fileURLToPath(new URL('../../cluster/control-plane/', import.meta.url));
const packages = {
  etcd: 'go.etcd.io/etcd/server/v3',
  apiServer: 'k8s.io/kubernetes/cmd/kube-apiserver',
  controllerManager: 'k8s.io/kubernetes/cmd/kube-controller-manager',
} as const;

/** KUBEBUILDER_ASSETS when set, else the cache, else a build of about nine minutes (seconds with a warm Go build cache). */
export async function findBinaries(environment: NodeJS.ProcessEnv = process.env): Promise<Binaries | NoBinaries> {
  const assets = environment['KUBEBUILDER_ASSETS'];
  if (assets) return fromAssets(assets);
  const { version, linkerFlags, cache, folder } = await buildPlan(environment);
  await mkdir(cache, { recursive: true });
  return withFolderLock(`${folder}.lock`, async () => {
    if (existsSync(folder)) return built(folder);
    if (!(await hasGo())) {
      return {
        kind: 'absent',
        reason: `no Kubernetes API server to test against: install Go 1.26 to build one from ${moduleFolder}, or set KUBEBUILDER_ASSETS to a folder with kube-apiserver and etcd`,
      };
    }
    process.stderr.write(`Building kube-apiserver ${version} and etcd into ${folder}: once, about nine minutes.\n`);
    await build(cache, folder, linkerFlags);
    return built(folder);
  });
}

/** Whether `findBinaries` would come back with all three, be it after a build. */
export async function canFindBinaries(environment: NodeJS.ProcessEnv = process.env): Promise<boolean> {
  const assets = environment['KUBEBUILDER_ASSETS'];
  if (assets) return existsSync(join(assets, 'kube-controller-manager'));
  return existsSync((await buildPlan(environment)).folder) || (await hasGo());
}

async function buildPlan(environment: NodeJS.ProcessEnv) {
  const version = await pinnedVersion();
  const linkerFlags = linkerFlagsOf(version);
  const hash = createHash('sha256');
  for (const file of ['go.mod', 'go.sum']) hash.update(await readFile(join(moduleFolder, file)));
  hash.update(`${linkerFlags} ${process.platform} ${process.arch}`);
  const cache = join(environment['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'jouleops', 'control-plane');
  return { version, linkerFlags, cache, folder: join(cache, hash.digest('hex').slice(0, 16)) };
}

async function fromAssets(folder: string): Promise<Binaries> {
  const found = { kind: 'found' as const, etcd: join(folder, 'etcd'), apiServer: join(folder, 'kube-apiserver') };
  for (const file of [found.etcd, found.apiServer]) {
    if (!existsSync(file)) throw new Error(`KUBEBUILDER_ASSETS is ${folder}, but there is no ${file}`);
  }
  const controllerManager = join(folder, 'kube-controller-manager');
  return existsSync(controllerManager) ? { ...found, controllerManager } : found;
}

function built(folder: string): Binaries {
  return {
    kind: 'found',
    etcd: join(folder, 'server'), // the name of its Go package
    apiServer: join(folder, 'kube-apiserver'),
    controllerManager: join(folder, 'kube-controller-manager'),
  };
}

/** Builds beside the final folder and renames, so that a build that was cut off is never taken for a finished one. */
async function build(cache: string, folder: string, linkerFlags: string): Promise<void> {
  const scratch = await mkdtemp(join(cache, 'build-'));
  try {
    const targets = [packages.etcd, packages.apiServer, packages.controllerManager];
    await run('go', ['build', '-ldflags', linkerFlags, '-o', `${scratch}/`, ...targets], {
      cwd: moduleFolder,
      maxBuffer: 64 * 1024 * 1024,
    });
    await rename(scratch, folder);
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

async function pinnedVersion(): Promise<string> {
  const match = /k8s\.io\/kubernetes (v\d+\.\d+\.\d+)/.exec(await readFile(join(moduleFolder, 'go.mod'), 'utf8'));
  if (!match?.[1]) throw new Error(`${moduleFolder}go.mod requires no version of k8s.io/kubernetes`);
  return match[1];
}

/** Without a version set at link time the server says v0.0.0-master and clients cannot parse it. */
function linkerFlagsOf(version: string): string {
  const [major, minor] = version.slice(1).split('.');
  const variables = { gitVersion: version, gitMajor: major, gitMinor: minor };
  return ['-s -w', ...Object.entries(variables).map(([key, value]) => `-X k8s.io/component-base/version.${key}=${value}`)].join(
    ' ',
  );
}

async function hasGo(): Promise<boolean> {
  return run('go', ['version']).then(
    () => true,
    () => false,
  );
}
