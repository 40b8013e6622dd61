// Trains the shipped predictors from a folder with the measurement tables: node scripts/train-predictors.ts DATA_DIRECTORY [NAME…]
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { type PlanName, shippedPlans } from '../energy/prediction/training/plans.ts';
import { artifactText, trainShipped } from '../energy/prediction/training/ship.ts';

const [directory, ...names] = process.argv.slice(2);
if (directory === undefined) {
  console.error('usage: node scripts/train-predictors.ts DATA_DIRECTORY [NAME…]; data/manifests says where the tables come from');
  process.exit(2);
}
const texts = new Map<string, string>();
const read = (name: string) => {
  const text = texts.get(name) ?? readFileSync(path.join(directory, name), 'utf8');
  texts.set(name, text);
  return text;
};
for (const name of Object.keys(shippedPlans) as PlanName[]) {
  if (names.length > 0 && !names.includes(name)) continue;
  const started = performance.now();
  const artifact = trainShipped(name, read);
  const file = path.join(import.meta.dirname, '..', 'data', 'predictors', `${name}.json`);
  writeFileSync(file, artifactText(artifact));
  const { meanAbsolutePercent, medianAbsolutePercent } = artifact.card.scores.byArchitecture;
  console.log(
    `${file}: ${artifact.card.rows} rows, MAPE ${meanAbsolutePercent} %, median ${medianAbsolutePercent} %, ${Math.round((performance.now() - started) / 1000)} s`,
  );
}
