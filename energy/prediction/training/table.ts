// Comma-separated tables of numbers and names, as the published measurements come.

export type TableRow = Readonly<Record<string, string>>;

/** The tables hold no quotes; a row with another number of cells is an error that names its line. */
export function parseTable(text: string, name: string): TableRow[] {
  const [header = '', ...lines] = text.trim().split(/\r?\n/);
  const columns = header.split(',');
  return lines.map((line, index) => {
    const cells = line.split(',');
    if (cells.length !== columns.length)
      throw new Error(`${name}, line ${index + 2}: ${cells.length} cells, the header has ${columns.length}: get the table again`);
    return Object.fromEntries(columns.map((column, at) => [column, cells[at] ?? '']));
  });
}

export function numberIn(row: TableRow, column: string): number {
  const text = row[column];
  const value = text === undefined || text === '' ? Number.NaN : Number(text);
  if (!Number.isFinite(value)) throw new Error(`column ${column} holds "${text ?? 'nothing'}" where a number is needed`);
  return value;
}

export function textIn(row: TableRow, column: string): string {
  const text = row[column];
  if (text === undefined || text === '') throw new Error(`column ${column} is missing or empty`);
  return text;
}
