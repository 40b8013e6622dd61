// The files that a finished calibration leaves: the predictor, and the DeviceClass that lets a controller use it.
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import type { CalibrationRun } from '../../agent/calibration/run-calibration.ts';
import { writeFileAtomic } from '../../agent/disk/atomic-file.ts';
import { parsePredictorFile } from '../../energy/prediction/catalogue.ts';
import type { Predictor, PredictorArtifact } from '../../energy/prediction/predictor.ts';
import { artifactText } from '../../energy/prediction/training/ship.ts';
import { deviceClassText } from './device-class-text.ts';
import { predictorOf } from './predictor-of-record.ts';

export interface WrittenPredictor {
  artifact: PredictorArtifact;
  predictorFile: string;
  classFile: string;
}

/** Undefined when too few probes were measured. */
export async function writePredictor(
  run: CalibrationRun,
  sources: readonly Predictor[],
  directory: string,
): Promise<WrittenPredictor | undefined> {
  const { record, file } = run;
  const sha256 = createHash('sha256')
    .update(await readFile(file))
    .digest('hex');
  const made = predictorOf(run, { file: path.basename(file), sha256 }, sources);
  if (!made) return undefined;
  const predictorFile = path.join(directory, `${made.name}.json`);
  const artifact = await versioned(made, predictorFile);
  const text = artifactText(artifact);
  await writeFileAtomic(predictorFile, text);
  const classFile = path.join(directory, `${artifact.name}.yaml`);
  await writeFileAtomic(classFile, deviceClassText(artifact, text, record));
  return { artifact, predictorFile, classFile };
}

/** A version never gets other contents: verdicts name it. */
async function versioned(made: PredictorArtifact, file: string): Promise<PredictorArtifact> {
  const before = await readFile(file, 'utf8').catch(() => undefined);
  if (before === undefined) return made;
  const { version } = parsePredictorFile(file, before);
  const same = { ...made, version };
  return artifactText(same) === before ? same : { ...made, version: version + 1 };
}
