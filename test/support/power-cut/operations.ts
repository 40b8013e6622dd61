// What an agent asked of its disk, one after the other, with all that is needed to say what a cut leaves of it.

export type Operation =
  /** Reads, closes and what else leaves no trace. */
  | { kind: 'look'; what: string }
  /** Every directory that was made, outermost first. */
  | { kind: 'mkdir'; directories: readonly string[] }
  /** A file that is created, or emptied. */
  | { kind: 'create'; file: string; mode: number }
  | { kind: 'write'; file: string; offset: number; bytes: Uint8Array }
  | { kind: 'truncate'; file: string; bytes: number }
  | { kind: 'sync'; file: string }
  | { kind: 'syncDirectory'; directory: string }
  | { kind: 'rename'; from: string; to: string }
  | { kind: 'link'; existing: string; name: string }
  | { kind: 'remove'; file: string };

/** For failures and reports. Paths are relative to the data directory. */
export function describeOperation(operation: Operation): string {
  switch (operation.kind) {
    case 'look':
      return operation.what;
    case 'mkdir':
      return `mkdir ${operation.directories.join(', ')}`;
    case 'write':
      return `write ${operation.bytes.length} bytes at ${operation.offset} of ${operation.file}`;
    case 'syncDirectory':
      return `sync directory ${operation.directory}`;
    case 'rename':
      return `rename ${operation.from} to ${operation.to}`;
    case 'link':
      return `link ${operation.existing} as ${operation.name}`;
    case 'create':
    case 'truncate':
    case 'sync':
    case 'remove':
      return `${operation.kind} ${operation.file}`;
  }
}
