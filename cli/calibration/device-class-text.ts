// The YAML that lets a controller use a calibrated predictor.
import { stringify } from 'yaml';
import type { CalibrationRecord } from '../../agent/calibration/calibration-record.ts';
import type { DeviceClass } from '../../crds/device-class.ts';
import { digestOf } from '../../crds/digest.ts';
import { simulatedSuffix } from '../../crds/names.ts';
import type { PredictorArtifact } from '../../energy/prediction/predictor.ts';
import { formatPower } from '../../energy/units.ts';

/** @param text of the artifact's file: the class declares its digest. */
export function deviceClassText(artifact: PredictorArtifact, text: string, { setup, idleWatts }: CalibrationRecord): string {
  const { name, version, card } = artifact;
  const { deviceClass, key, boundary, quantity, date } = card;
  const isSimulated = deviceClass.endsWith(simulatedSuffix);
  const object: DeviceClass = {
    apiVersion: 'jouleops.dev/v1alpha1',
    kind: 'DeviceClass',
    metadata: { name: deviceClass },
    spec: {
      ...(isSimulated
        ? { simulatedFrom: deviceClass.slice(0, -simulatedSuffix.length) }
        : { match: { boardModels: [setup.boardModel], precedence: 200 } }),
      ...(idleWatts === undefined
        ? {}
        : {
            idlePower: [
              { boundary, value: formatPower(idleWatts), source: `measured by jouleops calibrate with ${setup.source}`, date },
            ],
          }),
      predictors: [
        {
          name,
          version,
          key,
          boundary,
          quantity,
          digest: digestOf(text),
          source: `store://predictors/${version}/${name}.json`,
        },
      ],
    },
  };
  const notes = [
    `Put ${name}.json where the controller reads it: below its model store as predictors/${version}/${name}.json,`,
    'or at an https:// or oci:// address that it may read; then correct `source`.',
    'If the class exists already, add what is below to its lists: kubectl edit deviceclass.',
  ];
  return `${notes.map((note) => `# ${note}\n`).join('')}${stringify(object)}`;
}
