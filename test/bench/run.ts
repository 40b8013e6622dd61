// `npm run bench [-- NAME…] [--write] [--KEY VALUE]`: measures, prints Markdown, and with --write keeps it in docs/benchmarks.md.
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Bench, BenchOptions } from './harness/bench.ts';
import { describeMachine } from './harness/machine.ts';
import { formatResult, withSection } from './harness/markdown.ts';

const folder = import.meta.dirname;
const page = join(folder, '../../docs/benchmarks.md');

/** Those that are named, or all. A file that exports no bench is a program of its own. */
async function loadBenches(wanted: readonly string[]): Promise<Map<string, Bench>> {
  const files = (await readdir(folder)).filter((name) => name.endsWith('.ts') && name !== 'run.ts').toSorted();
  const unknown = wanted.filter((name) => !files.includes(`${name}.ts`));
  if (unknown.length > 0)
    throw new Error(`no bench ${unknown.join(', ')}; there are ${files.map((name) => name.slice(0, -3)).join(', ')}`);
  const names = wanted.length === 0 ? files : wanted.map((name) => `${name}.ts`);
  const loaded = await Promise.all(
    names.map(async (name) => [name.slice(0, -3), ((await import(`./${name}`)) as { bench?: Bench }).bench] as const),
  );
  return new Map(loaded.filter((entry): entry is [string, Bench] => entry[1] !== undefined));
}

function parseArguments(given: readonly string[]): { names: string[]; write: boolean; values: Record<string, string> } {
  const parsed = { names: [] as string[], write: false, values: {} as Record<string, string> };
  for (let index = 0; index < given.length; index++) {
    const word = given[index] ?? '';
    if (word === '--write') parsed.write = true;
    else if (word.startsWith('--')) {
      const value = given[++index];
      if (value === undefined) throw new Error(`${word} needs a value`);
      parsed.values[word.slice(2)] = value;
    } else parsed.names.push(word);
  }
  return parsed;
}

async function main(): Promise<void> {
  const { names, write, values } = parseArguments(process.argv.slice(2));
  const benches = await loadBenches(names);
  const interrupt = new AbortController();
  process.once('SIGINT', () => interrupt.abort(new Error('interrupted')));
  process.once('SIGTERM', () => interrupt.abort(new Error('terminated')));
  const note = (text: string) => process.stderr.write(`${text}\n`);
  const options: BenchOptions = { values, note, signal: interrupt.signal };
  for (const [name, bench] of benches) {
    note(`# ${name}`);
    const circumstances = describeMachine(new Date());
    // What is measured on one server alone, with a fleet of another size or at another rate, has a section of its own: a long bench is
    // published in parts.
    const { server, agents, rate } = values;
    const parts = [server, agents, rate === undefined ? undefined : `${rate} per second`].filter((part) => part !== undefined);
    const title = [bench.title, ...parts].join(', ');
    const text = formatResult(title, await bench.run(options), circumstances);
    process.stdout.write(`${text}\n\n`);
    const section = [name, ...parts].join('-').replaceAll(' ', '-');
    if (write) await writeFile(page, withSection(await readFile(page, 'utf8'), section, text));
  }
}

try {
  await main();
} catch (error) {
  process.stderr.write(`bench: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
  process.exitCode = 1;
}
// What a bench that failed half-way has left open must not keep the run from ending.
process.exit();
