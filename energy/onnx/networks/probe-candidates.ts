// The networks that calibration probes are chosen from: small and middle-sized members of every family, with weights made at loading.
import type { Weights } from '../weights.ts';
import { denseNetwork } from './dense-network.ts';
import { type MobileNetworkOptions, type MobileStage, mobileNetwork } from './mobile-network.ts';
import { encoderDecoder, shuffleNetwork } from './pyramid-networks.ts';
import { type ResidualNetworkOptions, residualNetwork } from './residual-network.ts';
import { convNext, visionTransformer } from './transformer-networks.ts';
import { vgg } from './vgg.ts';

export interface ProbeCandidate {
  /** Says the family and what was varied; part of what a calibration records. */
  name: string;
  /** A file of at most a few hundred kilobytes. */
  write(): Uint8Array;
}

const weights: Weights = { kind: 'constant', seed: 1, minimumElements: 1 };

const depthsBySize = { small: [1, 1, 1, 1], middle: [2, 2, 2, 2], large: [3, 4, 6, 3] } as const;
const sizes = ['small', 'middle', 'large'] as const;

function candidate(name: string, write: (name: string) => Uint8Array): ProbeCandidate {
  return { name, write: () => write(name) };
}

function residuals(): ProbeCandidate[] {
  const variants: [string, Omit<ResidualNetworkOptions, 'name' | 'weights' | 'depths'>][] = [16, 32, 64].flatMap((width) => [
    [`basic-w${width}`, { block: 'basic', width }],
    [`bottleneck-w${width}`, { block: 'bottleneck', width }],
    [`grouped-w${width}`, { block: 'bottleneck', width: 2 * width, base: width, groups: width / 2 }],
    [`squeezed-w${width}`, { block: 'bottleneck', width, activation: 'silu', squeezeReduction: 16 }],
  ]);
  return variants.flatMap(([variant, options]) =>
    sizes.flatMap((size) =>
      [128, 224].map((pixels) =>
        candidate(`residual-${variant}-${size}-${pixels}`, (name) =>
          residualNetwork({ name, weights, pixels, depths: depthsBySize[size], ...options }),
        ),
      ),
    ),
  );
}

/** Expansion, filters at width 1, blocks when large, stride. */
const mobileStages = [
  [1, 16, 1, 1],
  [6, 24, 2, 2],
  [6, 40, 3, 2],
  [6, 80, 3, 2],
  [6, 112, 3, 1],
  [6, 192, 3, 2],
] as const;

function mobiles(): ProbeCandidate[] {
  const variants: [string, Pick<MobileNetworkOptions, 'activation' | 'squeezeReduction'> & { kernel: number }][] = [
    ['plain-k3', { activation: 'relu6', kernel: 3 }],
    ['plain-k5', { activation: 'relu6', kernel: 5 }],
    ['swish-k3', { activation: 'hard-swish', squeezeReduction: 4, kernel: 3 }],
    ['silu-k5', { activation: 'silu', squeezeReduction: 4, kernel: 5 }],
  ];
  return variants.flatMap(([variant, { kernel, ...options }]) =>
    [0.5, 1, 1.5].flatMap((width) =>
      [128, 224].map((pixels) => {
        const stages = mobileStages.map(([expansion, filters, blocks, stride]): MobileStage => {
          return { expansion, filters: filters * width, blocks, stride, kernel };
        });
        return candidate(`mobile-${variant}-w${width}-${pixels}`, (name) =>
          mobileNetwork({ name, weights, pixels, stem: 32 * width, stages, head: 1280, ...options }),
        );
      }),
    ),
  );
}

function transformers(): ProbeCandidate[] {
  const vision = [128, 192, 384].flatMap((features) =>
    [4, 12].flatMap((depth) =>
      [16, 32].map((patch) =>
        candidate(`transformer-f${features}-d${depth}-p${patch}`, (name) =>
          visionTransformer({ name, weights, patch, features, depth, heads: features / 64 }),
        ),
      ),
    ),
  );
  const convolutional = [40, 64, 96].flatMap((first) =>
    ([1, 3] as const).flatMap((blocks) =>
      [128, 224].map((pixels) =>
        candidate(`convnext-f${first}-d${blocks}-${pixels}`, (name) =>
          convNext({
            name,
            weights,
            pixels,
            features: [first, 2 * first, 4 * first, 8 * first],
            depths: [blocks, blocks, 3 * blocks, blocks],
          }),
        ),
      ),
    ),
  );
  return [...vision, ...convolutional];
}

function movers(): ProbeCandidate[] {
  const dense = [16, 32].flatMap((growth) =>
    [
      ['small', [4, 4, 4, 4]],
      ['large', [6, 12, 24, 16]],
    ].map(([size, depths]) =>
      candidate(`dense-g${growth}-${String(size)}`, (name) =>
        denseNetwork({ name, weights, growth, depths: depths as number[] }),
      ),
    ),
  );
  const shuffled = [2, 4, 8].flatMap((groups) =>
    [64, 160].map((first) =>
      candidate(`shuffle-g${groups}-f${first}`, (name) =>
        shuffleNetwork({ name, weights, groups, features: [first, 2 * first, 4 * first], depths: [3, 7, 3] }),
      ),
    ),
  );
  const decoders = [8, 16, 32].flatMap((width) =>
    [128, 192].map((pixels) =>
      candidate(`decoder-w${width}-${pixels}`, (name) => encoderDecoder({ name, weights, pixels, width, levels: 3 })),
    ),
  );
  const plain = ([11, 16] as const).flatMap((layers) =>
    [64, 128, 224].map((pixels) => candidate(`plain-${layers}-${pixels}`, () => vgg({ layers, pixels, weights }))),
  );
  return [...dense, ...shuffled, ...decoders, ...plain];
}

export function probeCandidates(): ProbeCandidate[] {
  return [...residuals(), ...mobiles(), ...transformers(), ...movers()];
}
