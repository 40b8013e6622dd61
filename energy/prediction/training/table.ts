// Comma-separated tables of numbers and names, as the published measurements come.

export interface TableRow {
  /** Where it stands, for errors: `timm_boards.csv, line 12`. */
  place: string;
  cells: Readonly<Record<string, string>>;
}

/** What is wrong with a table; the message names file, line and column. */
export class TableError extends Error {
  override readonly name = 'TableError';
}

/** The tables hold no quotes; a row with another number of cells is an error that names its line. */
export function parseTable(text: string, name: string): TableRow[] {
  const [header = '', ...lines] = text.trim().split(/\r?\n/);
  const columns = header.split(',');
  if (lines.length === 0) throw new TableError(`${name} holds no rows: get the table again`);
  return lines.map((line, index) => {
    const cells = line.split(',');
    const place = `${name}, line ${index + 2}`;
    if (cells.length !== columns.length)
      throw new TableError(`${place}: ${cells.length} cells, the header has ${columns.length}: get the table again`);
    return { place, cells: Object.fromEntries(columns.map((column, at) => [column, cells[at] ?? ''])) };
  });
}

export function hasColumn(row: TableRow, column: string): boolean {
  return row.cells[column] !== undefined;
}

/** @throws TableError when the cell is missing or not a number. */
export function numberIn(row: TableRow, column: string): number {
  const text = row.cells[column];
  const value = text === undefined || text.trim() === '' ? Number.NaN : Number(text);
  if (!Number.isFinite(value)) throw wrong(row, column, text, 'a number is needed');
  return value;
}

/** Energies, times and batches. @throws TableError when the cell is not a number above zero. */
export function positiveIn(row: TableRow, column: string): number {
  const value = numberIn(row, column);
  if (value <= 0) throw wrong(row, column, row.cells[column], 'a number above zero is needed');
  return value;
}

export function textIn(row: TableRow, column: string): string {
  const text = row.cells[column];
  if (text === undefined || text === '') throw wrong(row, column, text, 'a name is needed');
  return text;
}

function wrong({ place }: TableRow, column: string, text: string | undefined, needed: string): TableError {
  if (text === undefined) return new TableError(`${place}: there is no column ${column}: get the table again`);
  return new TableError(`${place}, column ${column}: it holds "${text}" where ${needed}: correct it, or get the table again`);
}
