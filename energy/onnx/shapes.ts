// Sizes of convolutions and pools along one axis.

/** `same` keeps the size at stride 1 (odd kernels); a number is added on both sides. */
export type Padding = 'same' | number;

export function paddingOf(padding: Padding, kernel: number, dilation: number): number {
  if (padding !== 'same') return padding;
  const extent = dilation * (kernel - 1);
  if (extent % 2 !== 0) throw new Error(`padding "same" needs an odd kernel, got ${kernel}; give the padding as a number`);
  return extent / 2;
}

/** Output size along one axis, rounded down as ONNX does without ceil_mode. */
export function windowedSize(size: number, kernel: number, stride: number, padding: number, dilation: number): number {
  const extent = dilation * (kernel - 1) + 1;
  const result = Math.floor((size + 2 * padding - extent) / stride) + 1;
  if (result < 1) throw new Error(`a window of ${extent} does not fit into ${size} with padding ${padding}`);
  return result;
}
