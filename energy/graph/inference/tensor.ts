// What is known of a tensor without running anything.

export interface KnownTensor {
  /** Undefined when it depends on values that are not known. */
  shape?: readonly number[];
  /** Code of onnx.proto's TensorProto.DataType. */
  elementType?: number;
  /** Computed from constants alone: a runtime folds it into memory when it loads the file. */
  constant: boolean;
  /** The elements of a small integer tensor: shapes, axes, steps. */
  integers?: readonly number[];
  /** The elements of a small float tensor that the file holds: scales. */
  floats?: readonly number[];
}

/** Longer tensors are data, not shapes or scales. */
export const maximumElements = 64;
