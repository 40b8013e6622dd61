// Classic networks by their timm names: parameters and operators as published, weights of the caller's choice.
import type { Weights } from '../weights.ts';
import { denseNetwork } from './dense-network.ts';
import { type MobileNetworkOptions, type MobileStage, mobileNetwork } from './mobile-network.ts';
import { type ResidualNetworkOptions, residualNetwork } from './residual-network.ts';
import { convNext, visionTransformer } from './transformer-networks.ts';
import { vgg } from './vgg.ts';

const residual = (name: string, options: Omit<ResidualNetworkOptions, 'name' | 'weights'>) => (weights: Weights) =>
  residualNetwork({ name, weights, ...options });

const mobile = (name: string, options: Omit<MobileNetworkOptions, 'name' | 'weights'>) => (weights: Weights) =>
  mobileNetwork({ name, weights, ...options });

const stage = ([expansion, filters, blocks, stride, kernel]: readonly [number, number, number, number, number]): MobileStage => ({
  expansion,
  filters,
  blocks,
  stride,
  kernel,
});

/** Expansion, filters, blocks, stride, kernel of each stage (MobileNet V2, table 2). */
const mobileNetStages = (
  [
    [1, 16, 1, 1, 3],
    [6, 24, 2, 2, 3],
    [6, 32, 3, 2, 3],
    [6, 64, 4, 2, 3],
    [6, 96, 3, 1, 3],
    [6, 160, 3, 2, 3],
    [6, 320, 1, 1, 3],
  ] as const
).map(stage);

/** The same of EfficientNet, with the blocks of each stage (Tan and Le, 2019, table 1; B1 is 1.1 times as deep). */
function efficientNet(name: string, blocks: readonly number[]) {
  const table = [
    [1, 16, 1, 1, 3],
    [6, 24, 2, 2, 3],
    [6, 40, 2, 2, 5],
    [6, 80, 3, 2, 3],
    [6, 112, 3, 1, 5],
    [6, 192, 4, 2, 5],
    [6, 320, 1, 1, 3],
  ] as const;
  const stages = table.map(stage).map((entry, index) => ({ ...entry, blocks: blocks[index] ?? entry.blocks }));
  return mobile(name, { stem: 32, stages, head: 1280, activation: 'silu', squeezeReduction: 4 });
}

/** 224 pixels, 1,000 classes; input `input`, output `logits`. */
export const classicNetworks = {
  resnet18: residual('resnet18', { block: 'basic', depths: [2, 2, 2, 2] }),
  resnet34: residual('resnet34', { block: 'basic', depths: [3, 4, 6, 3] }),
  resnet50: residual('resnet50', { block: 'bottleneck', depths: [3, 4, 6, 3] }),
  resnet101: residual('resnet101', { block: 'bottleneck', depths: [3, 4, 23, 3] }),
  resnet152: residual('resnet152', { block: 'bottleneck', depths: [3, 8, 36, 3] }),
  resnext50_32x4d: residual('resnext50_32x4d', { block: 'bottleneck', depths: [3, 4, 6, 3], width: 128, base: 64, groups: 32 }),
  vgg11: (weights: Weights) => vgg({ layers: 11, weights }),
  vgg13: (weights: Weights) => vgg({ layers: 13, weights }),
  vgg16: (weights: Weights) => vgg({ layers: 16, weights }),
  vgg19: (weights: Weights) => vgg({ layers: 19, weights }),
  mobilenetv2_100: mobile('mobilenetv2_100', { stem: 32, stages: mobileNetStages, head: 1280, activation: 'relu6' }),
  efficientnet_b0: efficientNet('efficientnet_b0', [1, 2, 2, 3, 3, 4, 1]),
  efficientnet_b1: efficientNet('efficientnet_b1', [2, 3, 3, 4, 4, 5, 2]),
  densenet121: (weights: Weights) => denseNetwork({ name: 'densenet121', weights, growth: 32, depths: [6, 12, 24, 16] }),
  densenet169: (weights: Weights) => denseNetwork({ name: 'densenet169', weights, growth: 32, depths: [6, 12, 32, 32] }),
  convnext_tiny: (weights: Weights) =>
    convNext({ name: 'convnext_tiny', weights, features: [96, 192, 384, 768], depths: [3, 3, 9, 3] }),
  vit_tiny_patch16_224: (weights: Weights) =>
    visionTransformer({ name: 'vit_tiny_patch16_224', weights, patch: 16, features: 192, depth: 12, heads: 3 }),
  vit_small_patch16_224: (weights: Weights) =>
    visionTransformer({ name: 'vit_small_patch16_224', weights, patch: 16, features: 384, depth: 12, heads: 6 }),
} as const satisfies Record<string, (weights: Weights) => Uint8Array>;

export type ClassicNetworkName = keyof typeof classicNetworks;
