// Condition types and reasons: the vocabulary of every status, in one place.

export const deploymentConditions = [
  'ModelResolved',
  'BudgetAdmitted',
  'Placed',
  'RolledOut',
  'BudgetRespected',
  'Available',
  'Ready',
  'Reconciling',
  'Stalled',
] as const;

/** The agent's on an instance; the controller adds Ready and DeviceReachable. */
export const agentInstanceConditions = ['Downloaded', 'Loaded', 'Serving', 'BudgetRespected'] as const;

/** The agent's on a device; the controller adds Ready. */
export const agentDeviceConditions = [
  'PowerMeasured',
  'MemoryPressure',
  'DiskPressure',
  'ThermalPressure',
  'ClockSynchronized',
] as const;

export const reasons = {
  // admission and budgets
  WithinBudget: 'WithinBudget',
  BudgetExceededPredicted: 'BudgetExceededPredicted',
  BudgetExceededMeasured: 'BudgetExceededMeasured',
  BudgetUncertain: 'BudgetUncertain',
  NoPredictor: 'NoPredictor',
  NoPowerSource: 'NoPowerSource',
  NoIdlePower: 'NoIdlePower',
  NotMeasuredYet: 'NotMeasuredYet',
  Throttled: 'Throttled',
  BoundaryMismatch: 'BoundaryMismatch',
  BelowResolution: 'BelowResolution',
  OutOfDomain: 'OutOfDomain',
  Transferred: 'Transferred',
  NoDeclaredLoad: 'NoDeclaredLoad',
  LoadExceedsCapacity: 'LoadExceedsCapacity',
  Quarantined: 'Quarantined',
  // placement
  NoFeasibleDevice: 'NoFeasibleDevice',
  Placed: 'Placed',
  Unschedulable: 'Unschedulable',
  // models and artifacts
  Resolved: 'Resolved',
  ModelVersionNotFound: 'ModelVersionNotFound',
  ModelVersionNotReady: 'ModelVersionNotReady',
  VariantNotFound: 'VariantNotFound',
  Verified: 'Verified',
  Analyzed: 'Analyzed',
  DigestMismatch: 'DigestMismatch',
  SizeMismatch: 'SizeMismatch',
  SourceUnavailable: 'SourceUnavailable',
  SourceNotAllowed: 'SourceNotAllowed',
  TooLarge: 'TooLarge',
  UnsupportedModel: 'UnsupportedModel',
  // devices and agents
  AgentReady: 'AgentReady',
  AgentUnreachable: 'AgentUnreachable',
  AgentNotJoined: 'AgentNotJoined',
  AgentTooOld: 'AgentTooOld',
  NoDeviceClass: 'NoDeviceClass',
  LoadFailed: 'LoadFailed',
  DownloadFailed: 'DownloadFailed',
  InsufficientStorage: 'InsufficientStorage',
  InsufficientMemory: 'InsufficientMemory',
  GoldenSetFailed: 'GoldenSetFailed',
  LatencyExceeded: 'LatencyExceeded',
  AccuracyTooLow: 'AccuracyTooLow',
  ErrorsExceeded: 'ErrorsExceeded',
  AgreementTooLow: 'AgreementTooLow',
  EnergyIncreased: 'EnergyIncreased',
  // rollouts and life
  Progressing: 'Progressing',
  Testing: 'Testing',
  Succeeded: 'Succeeded',
  Inconclusive: 'Inconclusive',
  RolledBack: 'RolledBack',
  RevisionRejected: 'RevisionRejected',
  AwaitingPromotion: 'AwaitingPromotion',
  ProgressDeadlineExceeded: 'ProgressDeadlineExceeded',
  Suspended: 'Suspended',
  NotReached: 'NotReached',
  NotImplemented: 'NotImplemented',
  Failed: 'Failed',
} as const;
