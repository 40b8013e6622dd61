// The example models that are written rather than trained: what they are, and their bytes.
import { stringify } from 'yaml';
import { digestOf } from '../../crds/digest.ts';
import { classicNetworks } from '../../energy/onnx/networks/classic-networks.ts';
import { nasBench201 } from '../../energy/onnx/networks/nas-bench-201.ts';

export interface ExampleModel {
  family: string;
  /** Of the store's folder: `<family>/<major>`; the version is `<major>.0.0`. */
  major: number;
  description: string;
  /** The ONNX file. */
  write(): Uint8Array;
}

/** In the middle of the cells that were measured on a Raspberry Pi 5: well inside the predictor's domain. */
export const nasCell = '|nor_conv_1x1~0|+|nor_conv_3x3~0|nor_conv_1x1~1|+|skip_connect~0|avg_pool_3x3~1|skip_connect~2|';

export const exampleModels: readonly ExampleModel[] = [
  {
    family: 'nas-cell',
    major: 1,
    description: `A NAS-Bench-201 network on 32×32 images with drawn, untrained weights: it shows energy, not accuracy. Cell: ${nasCell}`,
    write: () => nasBench201(nasCell, { inputShape: [3, 32, 32], classes: 10, seed: 201 }),
  },
  {
    family: 'resnet50',
    major: 1,
    description:
      'ResNet-50 at 224 pixels with constant, untrained weights: 64 KB that become 102 MB when a runtime loads them. It shows energy, not accuracy.',
    write: () => classicNetworks.resnet50({ kind: 'constant', seed: 50, minimumElements: 1 }),
  },
  {
    family: 'vgg16',
    major: 1,
    description:
      'VGG-16 at 224 pixels with constant, untrained weights: a few kilobytes that become 553 MB when a runtime loads them. It shows energy, not accuracy.',
    write: () => classicNetworks.vgg16({ kind: 'constant', seed: 16, minimumElements: 1 }),
  },
];

/** model.yaml for a written model: the same shape as that of the trained ones. */
export function describeModel({ family, major, description }: ExampleModel, bytes: Uint8Array): string {
  const digest = digestOf(bytes);
  const facts = {
    family,
    version: `${major}.0.0`,
    description,
    license: 'Apache-2.0',
    variants: [{ name: 'fp32', file: 'model.onnx', digest, sizeBytes: bytes.length }],
    writtenBy: 'scripts/models/write.ts',
  };
  return stringify(facts, { lineWidth: 120 });
}
