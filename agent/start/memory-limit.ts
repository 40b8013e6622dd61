const modelsShare = 0.75;

/**
 * Bytes that all models together may take.
 * @param containerBytes limit of the control group that this process is in; undefined, 0 or more than the machine has where there is none.
 * A kubelet ends the whole pod at it, so the models have to stay below.
 */
export function memoryForModels(ordered: number | undefined, machineBytes: number, containerBytes: number | undefined): number {
  if (ordered !== undefined) return ordered;
  const room = containerBytes === undefined || containerBytes === 0 ? machineBytes : Math.min(machineBytes, containerBytes);
  return Math.floor(room * modelsShare);
}
