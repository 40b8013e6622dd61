/** What one endpoint of a test says of a candidate on one device. */
export type TestFinding =
  | { kind: 'running'; message: string }
  | { kind: 'successful'; reason: string; message: string }
  | { kind: 'failed'; reason: string; message: string }
  /** More windows may decide, unless the test has used up what it may. */
  | { kind: 'undecided'; reason: string; message: string; final?: true }
  /** The device gave the test up: it may be ordered again. */
  | { kind: 'aborted'; reason: string; message: string };
