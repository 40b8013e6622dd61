import { describe, expect, it } from 'vitest';
import { readModel } from '../../../energy/onnx/model.ts';
import { type ClassicNetworkName, classicNetworks } from '../../../energy/onnx/networks/classic-networks.ts';
import { elementCount, integerElements } from '../../../energy/onnx/tensor-types.ts';
import { classicNetworkFacts } from '../../support/classic-network-facts.ts';

/** Elements of all weights that are made when the network is loaded, without the running statistics of batch norms. */
function trainedParameters(bytes: Uint8Array): number {
  const { graph } = readModel(bytes);
  const integers = new Map(graph.initializer.map((tensor) => [tensor.name, integerElements(tensor)]));
  const statistics = new Set(
    graph.node.filter(({ opType }) => opType === 'BatchNormalization').flatMap(({ input }) => input.slice(3)),
  );
  let sum = 0;
  for (const { opType, input, output } of graph.node) {
    if (opType !== 'ConstantOfShape' || statistics.has(output[0] ?? '')) continue;
    sum += elementCount((integers.get(input[0] ?? '') ?? []).map(Number));
  }
  return sum;
}

describe('classic networks', () => {
  const names = Object.keys(classicNetworks) as ClassicNetworkName[];

  it.each(names)('%s has the parameters that are published', (name) => {
    const bytes = classicNetworks[name]({ kind: 'constant', seed: 1, minimumElements: 1 });
    expect(trainedParameters(bytes)).toBe(classicNetworkFacts[name].parameters);
  });

  it.each(names)('%s is a file of less than 300 KB', (name) => {
    expect(classicNetworks[name]({ kind: 'constant', seed: 1, minimumElements: 1 }).length).toBeLessThan(300_000);
  });
});
