// Chooses the calibration probes: k-means over the feature space of real networks, the nearest of our candidates to each centre,
// what else has kinds of nodes that none of them shows well, and the smallest candidate, for what every inference costs alike.
// Usage: node scripts/models/choose-probes.ts FEATURES.csv [COUNT]
// FEATURES.csv has one row per real network with the columns mac_*, by_* and initb that the predictors' data uses.
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { kMeans, squaredDistance } from '../../energy/calibration/k-means.ts';
import { type GraphFeatures, type NodeClass, nodeClasses } from '../../energy/graph/analysis.ts';
import { analyzeGraph } from '../../energy/graph/extract/analyze.ts';
import { probeCandidates } from '../../energy/onnx/networks/probe-candidates.ts';
import { createGenerator } from '../../energy/onnx/weights.ts';
import { columnOf } from '../../energy/prediction/training/timm-rows.ts';

/** What does no work is no reason to choose a probe. */
const classes = nodeClasses.filter((name) => name !== 'noop');
/** A probe must load on a board with a gigabyte of memory. */
const maximumWeightBytes = 120e6;
/** Of the bytes of a graph, relative to the candidate that has most of a class: less of it cannot be told from the rest. */
const minimumRelativeShare = 0.4;

interface Network {
  name: string;
  /** Log totals, then shares of multiply–adds and of bytes by class. */
  vector: number[];
}

function vectorOf(macs: number[], bytes: number[], initializerBytes: number): number[] {
  const total = (values: number[]) => values.reduce((sum, value) => sum + value, 0);
  const [allMacs, allBytes] = [total(macs), total(bytes)];
  return [
    Math.log(allMacs),
    Math.log(allBytes),
    Math.log(initializerBytes),
    ...macs.map((value) => value / allMacs),
    ...bytes.map((value) => value / allBytes),
  ];
}

async function realNetworks(file: string): Promise<Network[]> {
  const [header = '', ...lines] = (await readFile(file, 'utf8')).trimEnd().split('\n');
  const names = header.split(',');
  return lines.map((line) => {
    const row = new Map(line.split(',').map((value, index) => [names[index], value]));
    const read = (prefix: string) => classes.map((name) => Number(row.get(`${prefix}_${columnOf[name]}`) ?? 0));
    return { name: row.get('architecture') ?? '', vector: vectorOf(read('mac'), read('by'), Number(row.get('initb'))) };
  });
}

async function analyzeCandidates(): Promise<(Network & { features: GraphFeatures })[]> {
  const directory = await mkdtemp(path.join(os.tmpdir(), 'jouleops-probes-'));
  const networks: (Network & { features: GraphFeatures })[] = [];
  try {
    for (const candidate of probeCandidates()) {
      const file = path.join(directory, 'probe.onnx');
      await writeFile(file, candidate.write());
      const { features } = await analyzeGraph(file, { signal: AbortSignal.timeout(120_000) });
      const macs = classes.map((name) => features.classes[name].macs);
      const bytes = classes.map((name) => features.classes[name].bytes);
      networks.push({ name: candidate.name, vector: vectorOf(macs, bytes, features.initializerBytes), features });
    }
  } finally {
    await rm(directory, { recursive: true });
  }
  return networks;
}

/** Subtracts the mean and divides by the deviation of the real networks, so that every feature counts alike. */
function standardizer(networks: Network[]): (vector: number[]) => number[] {
  const size = networks.length;
  const columnsOf = (index: number) => networks.map(({ vector }) => vector[index] ?? 0);
  const statistics = (networks[0]?.vector ?? []).map((_, index) => {
    const values = columnsOf(index);
    const mean = values.reduce((sum, value) => sum + value, 0) / size;
    const deviation = Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / size);
    return { mean, deviation: deviation || 1 };
  });
  return (vector) => vector.map((value, index) => (value - (statistics[index]?.mean ?? 0)) / (statistics[index]?.deviation ?? 1));
}

const [file, countText = '16'] = process.argv.slice(2);
if (file === undefined) {
  console.error('usage: node scripts/models/choose-probes.ts FEATURES.csv [COUNT]');
  process.exit(2);
}
const real = await realNetworks(file);
const candidates = await analyzeCandidates();
const standardize = standardizer(real);
const centres = kMeans(
  real.map(({ vector }) => standardize(vector)),
  Number(countText),
  createGenerator(1),
);

const light = candidates.filter(({ features }) => features.initializerBytes <= maximumWeightBytes);
const left = new Map(light.map((candidate) => [candidate.name, candidate]));
const chosen: typeof candidates = [];
function take(targets: readonly (readonly number[])[], among = [...left.values()]): void {
  const ranked = among
    .map((candidate) => ({
      candidate,
      gap: Math.min(...targets.map((target) => squaredDistance(standardize(candidate.vector), target))),
    }))
    .sort((a, b) => a.gap - b.gap);
  const best = ranked[0];
  if (best === undefined) return;
  console.error(`${best.candidate.name}: ${Math.sqrt(best.gap).toFixed(2)} from its centre`);
  left.delete(best.candidate.name);
  chosen.push(best.candidate);
}
for (const centre of centres) take([centre]);

const smallest = [...left.values()].sort((a, b) => a.features.macs - b.features.macs).slice(0, 1);
console.error('the smallest:');
take([smallest[0] ? standardize(smallest[0].vector) : []], smallest);

const share = ({ features }: (typeof candidates)[number], name: NodeClass) => features.classes[name].bytes / features.bytes;
for (const name of nodeClasses) {
  const needed = minimumRelativeShare * Math.max(...light.map((candidate) => share(candidate, name)));
  if (name === 'noop' || chosen.some((probe) => share(probe, name) >= needed)) continue;
  console.error(`no probe has much ${name}:`);
  const having = [...left.values()].filter((candidate) => share(candidate, name) >= needed);
  take(
    real.map(({ vector }) => standardize(vector)),
    having,
  );
}
for (const { name, features } of chosen.toSorted((a, b) => a.features.macs - b.features.macs))
  console.log(`${name}\t${(features.macs / 1e6).toFixed(0)} M multiply-adds\t${(features.initializerBytes / 1e6).toFixed(1)} MB`);
