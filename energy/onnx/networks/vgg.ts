// VGG networks (Simonyan and Zisserman, 2014), configuration letters as in the paper's table 1, without batch norm.
import { GraphBuilder } from '../builder.ts';
import type { Weights } from '../weights.ts';

/** Convolutions per stage; every stage ends in a 2×2 pool. */
const configurations = { 11: [1, 1, 2, 2, 2], 13: [2, 2, 2, 2, 2], 16: [2, 2, 3, 3, 3], 19: [2, 2, 4, 4, 4] } as const;
const stageFilters = [64, 128, 256, 512, 512] as const;
const hiddenUnits = 4096;

/**
 * Input `input` [1, 3, pixels, pixels], output `logits`, float32.
 * With constant weights the file has a few kilobytes, and a runtime makes about half a gigabyte of it (16 layers at 224 pixels).
 */
export function vgg(options: {
  layers: keyof typeof configurations;
  pixels?: number;
  classes?: number;
  weights: Weights;
}): Uint8Array {
  const { layers, pixels = 224, classes = 1000, weights } = options;
  const builder = new GraphBuilder({ name: `vgg${layers}`, weights });
  let value = builder.input('input', [1, 3, pixels, pixels]);
  for (const [stage, convolutions] of configurations[layers].entries()) {
    for (let count = 0; count < convolutions; count += 1)
      value = builder.relu(builder.conv(value, { filters: stageFilters[stage] ?? hiddenUnits, kernel: 3 }));
    value = builder.maxPool(value, { kernel: 2, stride: 2 });
  }
  value = builder.flatten(value);
  for (let count = 0; count < 2; count += 1) value = builder.relu(builder.gemm(value, hiddenUnits));
  builder.output('logits', builder.gemm(value, classes));
  return builder.build();
}
