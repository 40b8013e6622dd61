export interface UpstreamLimits {
  loadTimeoutSeconds: number;
  runTimeoutSeconds: number;
  /** Requests that are at the upstream at once. */
  atOnce: number;
  /** Requests that wait here beside them. */
  queueCapacity: number;
  /** Between two looks at whether it still serves the model. */
  healthSeconds: number;
}

export const upstreamDefaults: UpstreamLimits = {
  loadTimeoutSeconds: 120,
  runTimeoutSeconds: 30,
  atOnce: 4,
  queueCapacity: 64,
  healthSeconds: 5,
};
