// Shapes that several kinds share. Amounts are unit strings ("80mJ", "2.5W"); energy/units.ts reads them.

/** What a meter or a model covers. Values of different boundaries are never compared. */
export type Boundary = 'Board' | 'Module' | 'Package' | 'CoreRail';

/** Active energy includes the board's idle share while it serves; marginal energy is above idle. */
export type Quantity = 'Active' | 'Marginal';

export type EnergyVerdict = 'WithinBudget' | 'ExceedsBudget' | 'Uncertain' | 'Unknown';

/** A central value and its interval, unit strings with three significant digits. */
export interface Interval {
  value: string;
  lower: string;
  upper: string;
}

export interface Runtime {
  engine?: 'OnnxRuntime' | 'OpenInferenceUpstream';
  executionProviders?: string[];
  threads?: number;
  upstreamName?: string;
}

export interface CsvMapping {
  requestColumns: string[];
  inputName?: string;
  recordColumns?: string[];
}

export interface Serving {
  http?: Record<string, never>;
  mqtt?: { brokerName: string; requestTopic?: string; csv?: CsvMapping };
}

export interface ArtifactSource {
  uri: string;
  secretName?: string;
}

export interface ArtifactReference {
  digest: string;
  size?: string | number;
  sources: ArtifactSource[];
}

export interface ExternalDataFile extends ArtifactReference {
  path: string;
}

/** The parts of a device class key (energy.md): what a predictor was trained for, or what a device runs. */
export interface ClassKeyParts {
  board?: string;
  powerMode?: string;
  governor?: string;
  runtime?: string;
  runtimeVersion?: string;
  executionProvider?: string;
  threads?: number;
  spinning?: boolean;
  precision?: string;
}
