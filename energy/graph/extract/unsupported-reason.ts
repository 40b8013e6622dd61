// Why a file cannot be analysed.
export type UnsupportedReason =
  | 'NotOnnx'
  | 'UnsupportedOpset'
  | 'UnsupportedOperator'
  | 'TooLarge'
  | 'Materializes'
  | 'Timeout'
  | 'OutOfMemory'
  | 'Crashed'
  | 'ControlFlow'
  | 'ExternalData'
  | 'Invalid';
