// What is published about the classic networks at 224 pixels: known answers for builders and for the graph reader.
import type { ClassicNetworkName } from '../../energy/onnx/networks/classic-networks.ts';

interface Facts {
  /** Trained parameters: weights, biases, scales and shifts, without the running statistics of batch norms. */
  parameters: number;
  /**
   * 10⁹ multiply–adds of convolutions and products with weights, from timm's and torchvision's tables. Vision transformers come without
   * the products of attention there: they add 2 × depth × tokens² × features.
   */
  gigaMacs: number;
}

export const classicNetworkFacts: Record<ClassicNetworkName, Facts> = {
  resnet18: { parameters: 11_689_512, gigaMacs: 1.82 },
  resnet34: { parameters: 21_797_672, gigaMacs: 3.67 },
  resnet50: { parameters: 25_557_032, gigaMacs: 4.11 },
  resnet101: { parameters: 44_549_160, gigaMacs: 7.83 },
  resnet152: { parameters: 60_192_808, gigaMacs: 11.56 },
  resnext50_32x4d: { parameters: 25_028_904, gigaMacs: 4.26 },
  vgg11: { parameters: 132_863_336, gigaMacs: 7.61 },
  vgg13: { parameters: 133_047_848, gigaMacs: 11.31 },
  vgg16: { parameters: 138_357_544, gigaMacs: 15.47 },
  vgg19: { parameters: 143_667_240, gigaMacs: 19.63 },
  mobilenetv2_100: { parameters: 3_504_872, gigaMacs: 0.3 },
  efficientnet_b0: { parameters: 5_288_548, gigaMacs: 0.39 },
  efficientnet_b1: { parameters: 7_794_184, gigaMacs: 0.57 },
  densenet121: { parameters: 7_978_856, gigaMacs: 2.87 },
  densenet169: { parameters: 14_149_480, gigaMacs: 3.4 },
  convnext_tiny: { parameters: 28_589_128, gigaMacs: 4.47 },
  vit_tiny_patch16_224: { parameters: 5_717_416, gigaMacs: 1.08 },
  vit_small_patch16_224: { parameters: 22_050_664, gigaMacs: 4.25 },
};
