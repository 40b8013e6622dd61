// Whole-board measurements of timm models (timm_boards.csv, timm_features.csv) as training rows.
import { type ClassTotals, type GraphFeatures, type NodeClass, nodeClasses } from '../../graph/analysis.ts';
import { hasColumn, numberIn, parseTable, positiveIn, type TableRow, textIn } from './table.ts';
import type { TrainingRow } from './training-row.ts';

/** What the data's columns of a kind of node end in. */
export const columnOf: Readonly<Record<NodeClass, string>> = {
  conv1x1: 'c1',
  conv3x3: 'c3',
  convOther: 'ck',
  depthwise: 'dw',
  depthwiseLarge: 'dwL',
  grouped: 'grp',
  gemm: 'gemm',
  matmul: 'mm',
  activation: 'act',
  elementwise: 'elt',
  normalization: 'norm',
  reduction: 'red',
  pool: 'pool',
  softmax: 'soft',
  resize: 'resize',
  layout: 'layout',
  noop: 'noop',
};

export function featuresFromTable(row: TableRow): GraphFeatures {
  const optional = (column: string) => (hasColumn(row, column) ? numberIn(row, column) : 0);
  const totals = (name: NodeClass): ClassTotals => {
    const column = columnOf[name];
    return {
      nodes: numberIn(row, `n_${column}`),
      macs: optional(`mac_${column}`),
      bytes: optional(`by_${column}`),
      weightBytes: optional(`wb_${column}`),
      outputElements: optional(`out_${column}`),
    };
  };
  return {
    classes: Object.fromEntries(nodeClasses.map((name) => [name, totals(name)])) as Record<NodeClass, ClassTotals>,
    macs: numberIn(row, 'macs'),
    bytes: numberIn(row, 'bytes'),
    parameters: numberIn(row, 'params'),
    peakActivationBytes: numberIn(row, 'peak'),
    initializerBytes: numberIn(row, 'initb'),
    nodes: numberIn(row, 'nodes'),
    depth: numberIn(row, 'depth'),
    largestActivationBytes: numberIn(row, 'maxact'),
    transcendentalBytes: numberIn(row, 'by_heavy'),
    transcendentalNodes: numberIn(row, 'n_heavy'),
    fusedActivations: numberIn(row, 'fusedact'),
    smallNodes: numberIn(row, 'kb_small'),
    roofline: { b2: numberIn(row, 'roof2'), b8: numberIn(row, 'roof8'), b32: numberIn(row, 'roof32') },
    occupancy: { t8: numberIn(row, 'occ8'), t32: numberIn(row, 'occ32'), t128: numberIn(row, 'occ128') },
    weightedLog: { channels: numberIn(row, 'w_co'), positions: numberIn(row, 'w_sp'), reduction: numberIn(row, 'w_k') },
    macOutputs: numberIn(row, 'macts'),
  };
}

/** Rows of one board; `without` counts measurements whose architecture has no features. */
export function timmRows(
  boardsText: string,
  featuresText: string,
  deviceClass: string,
): { rows: TrainingRow[]; without: number } {
  const features = new Map(
    parseTable(featuresText, 'timm_features.csv').map((row) => [
      `${textIn(row, 'architecture')} ${textIn(row, 'input_pixels')}`,
      featuresFromTable(row),
    ]),
  );
  const rows: TrainingRow[] = [];
  let without = 0;
  for (const row of parseTable(boardsText, 'timm_boards.csv')) {
    if (textIn(row, 'device_class') !== deviceClass) continue;
    const architecture = textIn(row, 'architecture');
    const known = features.get(`${architecture} ${textIn(row, 'input_pixels')}`);
    if (!known) {
      without += 1;
      continue;
    }
    rows.push({
      architecture,
      family: familyOf(architecture),
      session: textIn(row, 'session'),
      batch: positiveIn(row, 'batch'),
      features: known,
      joules: positiveIn(row, 'energy_mj_per_inference') / 1000,
      seconds: positiveIn(row, 'latency_ms_per_inference') / 1000,
      noiseFactor: textIn(row, 'batch_source') === 'inferred' ? 2 : 1,
    });
  }
  return { rows, without };
}

/** Prefixes that name a port or a trick, not a family. */
const variants =
  /^(tf|adv|legacy|jx|eca|gc|se|sk|nf|lambda|halo)_?(?=(efficient|inception|mixnet|mobile|res|nest|regnet|eca|se))/;

/** What a network is a variant of: the name's letters before the first digit or underscore, ports and attention blocks removed. */
export function familyOf(architecture: string): string {
  let name = architecture;
  for (let previous = ''; previous !== name; ) {
    previous = name;
    name = name.replace(variants, '');
  }
  const letters = /^[a-z]+/.exec(name)?.[0] ?? name;
  return familyAliases[letters] ?? letters;
}

/** Same blocks under several names. */
const familyAliases: Readonly<Record<string, string>> = {
  resnetv: 'resnet',
  resnetblur: 'resnet',
  resnext: 'resnet',
  res: 'resnet',
  regnetx: 'regnet',
  regnety: 'regnet',
  regnetz: 'regnet',
  regnetv: 'regnet',
  deit: 'vit',
  beit: 'vit',
  efficientnetv: 'efficientnet',
  convnextv: 'convnext',
  densenetblur: 'densenet',
  ghostnetv: 'ghostnet',
  tinynet: 'efficientnet',
  semnasnet: 'mnasnet',
  spnasnet: 'mnasnet',
  coatnext: 'coatnet',
  cspresnext: 'cspresnet',
};
