// How long `jouleops plan` takes over a large fleet: the whole command, as a CI job runs it.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { TestRepository } from '../support/git/repository.ts';
import { deploymentYaml, deviceYaml, namespaceFile, nasCellYaml, runPlan, writeFiles } from '../support/plan/fleet-files.ts';
import { type Bench, type BenchOptions, type BenchResult, countOption } from './harness/bench.ts';
import { judged, quantile, seconds } from './harness/format.ts';

const goalSeconds = 2;
const classes = ['raspberry-pi-5-simulated', 'jetson-nano-simulated', 'raspberry-pi-5', 'raspberry-pi-4'];
const versions = 20;
const changed = 50;
const runs = 5;
/** On a machine that does other things too, this says more than the clock on the wall. */
const sayProcessorTime =
  'data:text/javascript,process.on("exit",()=>{const{user,system}=process.cpuUsage();process.stderr.write(String(user+system))})';

async function run(options: BenchOptions): Promise<BenchResult> {
  const deployments = countOption(options, 'deployments', 1000);
  const devices = countOption(options, 'devices', 200);
  const directory = await mkdtemp(join(tmpdir(), 'jouleops-bench-plan-'));
  const repository = await TestRepository.create();
  try {
    const devicesFile = join(directory, 'devices.yaml');
    await writeFiles(directory, { 'devices.yaml': deviceList(devices) });
    await repository.commit(fleet(deployments, 0));
    await repository.git('branch', 'before');
    await repository.commit(fleet(deployments, changed));
    const plan = async (args: string[]) => {
      const samples: number[] = [];
      const processor: number[] = [];
      for (let index = -1; index < runs; index++) {
        options.signal.throwIfAborted();
        const started = performance.now();
        const all = ['--files', repository.directory, '--devices', devicesFile, '--output', 'json', ...args];
        const { code, stderr, stdout } = await runPlan(all, {
          cacheDirectory: join(directory, 'cache'),
          limitSeconds: 120,
          nodeOptions: ['--import', sayProcessorTime],
        });
        if (code !== 0 && code !== 3) throw new Error(`jouleops plan ended with ${code}: ${stderr}`);
        const planned = JSON.parse(stdout) as { deployments: unknown[] };
        if (planned.deployments.length !== deployments) throw new Error(`${planned.deployments.length} deployments were planned`);
        // The first one fills the cache: it reads the models' graphs.
        if (index >= 0) {
          samples.push((performance.now() - started) / 1000);
          processor.push(Number(stderr.trim()) / 1e6);
        }
        options.note(`${args.join(' ') || 'directory'}: ${seconds((performance.now() - started) / 1000)}`);
      }
      const half = quantile(samples, 0.5);
      return [judged(seconds(half), half <= goalSeconds), seconds(Math.max(...samples)), seconds(quantile(processor, 0.5))];
    };
    return {
      tables: [
        {
          caption: `${deployments.toLocaleString('en')} deployments of ${versions} model versions, one file each, on ${devices} devices of ${classes.length} classes; ${runs} runs, models read before.`,
          columns: ['command', `median (goal ≤ ${goalSeconds} s)`, 'slowest', 'processor time, median'],
          rows: [
            ['plan --files DIR: all are new', ...(await plan([]))],
            [
              `plan --from REF: ${changed} of them change, both commits are planned`,
              ...(await plan(['--from', 'before', '--to', 'main'])),
            ],
          ],
        },
      ],
      remarks: [
        'The whole command is measured: start of the process, manifests, schemas and rules, predictions, placement, JSON.',
      ],
    };
  } finally {
    await repository.remove();
    await rm(directory, { recursive: true, force: true });
  }
}

function deviceList(count: number): string {
  return Array.from({ length: count }, (_, index) => deviceYaml(`device-${index}`, classes[index % classes.length] ?? '')).join(
    '---\n',
  );
}

function fleet(deployments: number, raised: number): Record<string, string> {
  const files: Record<string, string> = { '00-namespace.yaml': namespaceFile };
  for (let index = 0; index < versions; index++) files[`models/${index}.yaml`] = nasCellYaml(`nas-cell-${index}`);
  for (let index = 0; index < deployments; index++)
    files[`deployments/${index}.yaml`] = deploymentYaml(`cell-${index}`, {
      modelVersion: `nas-cell-${index % versions}`,
      placement: 'replicas: 2',
      ...(index < raised ? { requestRate: '8/s' } : {}),
    });
  return files;
}

export const bench: Bench = { title: 'Planning a change', run };
