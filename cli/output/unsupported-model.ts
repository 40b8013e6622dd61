import type { UnsupportedReason } from '../../energy/graph/extract/unsupported-reason.ts';

/** What a person does about a file that cannot be analysed. */
export const nextSteps: Readonly<Record<UnsupportedReason, string>> = {
  NotOnnx: 'export the model to ONNX again, or fetch it again and compare size and digest with the original',
  UnsupportedOpset: 'export it again with an opset that is supported, for example opset_version=17 in torch.onnx.export',
  UnsupportedOperator: 'replace that operator before the export, or export with another opset',
  TooLarge: 'take a smaller model, or keep weights in fewer and smaller tensors',
  Materializes: 'give the inputs and constants the shapes that the model is really used with',
  Timeout: 'try again on a machine with less load; if it stays, the model is too large to analyse',
  OutOfMemory: 'take a smaller model, or smaller input shapes',
  Crashed: 'load it with onnxruntime to see whether the file is sound, and export it again',
  ControlFlow: 'export it without If, Loop and Scan: trace it with fixed shapes',
  ExternalData: 'put the weight files beside the model under the names it was exported with',
  Invalid: 'run onnx.checker.check_model on it, and export it again',
};
