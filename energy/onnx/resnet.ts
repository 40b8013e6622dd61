// Residual networks (He et al., 2015) with the stride on the 3×3 convolution, as torchvision and timm have them.
import { GraphBuilder, type Value } from './builder.ts';
import type { Weights } from './weights.ts';

const configurations = {
  18: { bottleneck: false, blocks: [2, 2, 2, 2] },
  34: { bottleneck: false, blocks: [3, 4, 6, 3] },
  50: { bottleneck: true, blocks: [3, 4, 6, 3] },
  101: { bottleneck: true, blocks: [3, 4, 23, 3] },
  152: { bottleneck: true, blocks: [3, 8, 36, 3] },
} as const;

const stageFilters = [64, 128, 256, 512] as const;
/** Output channels of a bottleneck, per filter of its 3×3 convolution. */
const expansion = 4;

/** Input `input` [1, 3, pixels, pixels], output `logits`, float32. */
export function resnet(options: {
  layers: keyof typeof configurations;
  pixels?: number;
  classes?: number;
  weights: Weights;
}): Uint8Array {
  const { layers, pixels = 224, classes = 1000, weights } = options;
  const { bottleneck, blocks } = configurations[layers];
  const builder = new GraphBuilder({ name: `resnet${layers}`, weights });
  const input = builder.input('input', [1, 3, pixels, pixels]);
  let value = builder.relu(convNorm(builder, input, 64, 7, 2));
  value = builder.maxPool(value, { kernel: 3, stride: 2, padding: 1 });
  for (const [stage, count] of blocks.entries()) {
    const filters = stageFilters[stage] ?? 512;
    for (let block = 0; block < count; block += 1) {
      const stride = stage > 0 && block === 0 ? 2 : 1;
      value = bottleneck ? bottleneckBlock(builder, value, filters, stride) : basicBlock(builder, value, filters, stride);
    }
  }
  builder.output('logits', builder.gemm(builder.flatten(builder.globalAveragePool(value)), classes));
  return builder.build();
}

function convNorm(builder: GraphBuilder, value: Value, filters: number, kernel: number, stride = 1): Value {
  return builder.batchNorm(builder.conv(value, { filters, kernel, stride, bias: false }));
}

function basicBlock(builder: GraphBuilder, value: Value, filters: number, stride: number): Value {
  const first = builder.relu(convNorm(builder, value, filters, 3, stride));
  return joined(builder, value, convNorm(builder, first, filters, 3), stride);
}

function bottleneckBlock(builder: GraphBuilder, value: Value, filters: number, stride: number): Value {
  const reduced = builder.relu(convNorm(builder, value, filters, 1));
  const spatial = builder.relu(convNorm(builder, reduced, filters, 3, stride));
  return joined(builder, value, convNorm(builder, spatial, filters * expansion, 1), stride);
}

/** The shortcut is projected only where its shape changes. */
function joined(builder: GraphBuilder, input: Value, residual: Value, stride: number): Value {
  const [, filters] = residual.shape;
  if (typeof filters !== 'number') throw new Error(`${residual.name} has no fixed number of channels`);
  const same = input.shape[1] === filters && stride === 1;
  return builder.relu(builder.add(residual, same ? input : convNorm(builder, input, filters, 1, stride)));
}
