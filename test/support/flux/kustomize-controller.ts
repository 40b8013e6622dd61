// Flux's kustomize-controller, built once with Go, on an API server of a test.
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { copyFile, mkdir, mkdtemp, readFile, rename, rm } from 'node:fs/promises';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { withFolderLock } from '../control-plane/folder-lock.ts';
import { ServerProcess } from '../control-plane/server-process.ts';
import { freePort } from '../free-port.ts';

const run = promisify(execFile);
const moduleFolder = fileURLToPath(new URL('../../cluster/flux/', import.meta.url));
const controllerPackage = 'github.com/fluxcd/kustomize-controller';
const definitionFile = 'kustomize.toolkit.fluxcd.io_kustomizations.yaml';

export type Flux =
  | { kind: 'found'; binary: string /** CustomResourceDefinition of Kustomization. */; definition: string }
  | { kind: 'absent'; reason: string };

/** From the cache; built only where FLUX=build asks for the minutes that it takes. */
export async function findFlux(environment: NodeJS.ProcessEnv = process.env): Promise<Flux> {
  const hash = createHash('sha256');
  for (const file of ['go.mod', 'go.sum']) hash.update(await readFile(join(moduleFolder, file)));
  hash.update(`${process.platform} ${process.arch}`);
  const cache = join(environment['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'jouleops', 'flux');
  const folder = join(cache, hash.digest('hex').slice(0, 16));
  await mkdir(cache, { recursive: true });
  return withFolderLock(`${folder}.lock`, async () => {
    const found: Flux = { kind: 'found', binary: join(folder, 'kustomize-controller'), definition: join(folder, definitionFile) };
    if (existsSync(folder)) return found;
    if (environment['FLUX'] !== 'build')
      return {
        kind: 'absent',
        reason: 'Flux’s kustomize-controller is not built: "FLUX=build npm run test:cluster", with Go 1.26, builds it once',
      };
    process.stderr.write(`Building kustomize-controller into ${folder}: once, some minutes.\n`);
    await build(cache, folder);
    return found;
  });
}

/** Beside the final folder first: a build that was cut off is never taken for a finished one. */
async function build(cache: string, folder: string): Promise<void> {
  const scratch = await mkdtemp(join(cache, 'build-'));
  try {
    const options = { cwd: moduleFolder, maxBuffer: 64 * 1024 * 1024 };
    await run('go', ['build', '-ldflags', '-s -w', '-o', `${scratch}/`, controllerPackage], options);
    const { stdout } = await run('go', ['list', '-m', '-f', '{{.Dir}}', controllerPackage], options);
    await copyFile(join(stdout.trim(), 'config/crd/bases', definitionFile), join(scratch, definitionFile));
    await rename(scratch, folder);
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

export async function startKustomizeController(
  flux: Flux & { kind: 'found' },
  kubeconfig: string,
): Promise<{ stop(): Promise<void>; log(): Promise<string> }> {
  const folder = await mkdtemp(join(tmpdir(), 'jouleops-flux-'));
  const logFile = join(folder, 'kustomize-controller.log');
  const [healthPort, metricsPort] = [await freePort(), await freePort()];
  const server = await ServerProcess.start(
    flux.binary,
    [
      `--health-addr=127.0.0.1:${healthPort}`,
      `--metrics-addr=127.0.0.1:${metricsPort}`,
      '--enable-leader-election=false',
      '--requeue-dependency=2s',
      '--no-remote-bases=true',
    ],
    logFile,
    { PATH: process.env['PATH'], HOME: folder, TMPDIR: folder, KUBECONFIG: kubeconfig, RUNTIME_NAMESPACE: 'flux-system' },
  );
  const stop = async () => {
    await server.stop();
    await rm(folder, { recursive: true, force: true });
  };
  try {
    await server.ready(async () => (await fetch(`http://127.0.0.1:${healthPort}/readyz`)).ok, 60);
  } catch (error) {
    await stop();
    throw error;
  }
  return { stop, log: () => readFile(logFile, 'utf8') };
}
