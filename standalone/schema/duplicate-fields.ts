// Members that come twice in a JSON text: JSON.parse keeps the last and tells nobody, strict field validation complains.

/** Paths such as `spec.items[0].name`, once each, as they appear. The text must be JSON that parses. */
export function duplicateFields(text: string): string[] {
  const found = new Set<string>();
  const scanner = { text, at: 0 };
  scanValue(scanner, '', found);
  return [...found];
}

interface Scanner {
  readonly text: string;
  at: number;
}

function skipSpace(scanner: Scanner): string {
  while (/\s/.test(scanner.text.charAt(scanner.at))) scanner.at++;
  return scanner.text.charAt(scanner.at);
}

function scanValue(scanner: Scanner, path: string, found: Set<string>): void {
  const first = skipSpace(scanner);
  if (first === '{') scanObject(scanner, path, found);
  else if (first === '[') scanArray(scanner, path, found);
  else if (first === '"') scanString(scanner);
  else while (scanner.at < scanner.text.length && !/[,\]}\s]/.test(scanner.text.charAt(scanner.at))) scanner.at++;
}

function scanString(scanner: Scanner): string {
  const start = scanner.at++;
  while (scanner.at < scanner.text.length && scanner.text.charAt(scanner.at) !== '"')
    scanner.at += scanner.text.charAt(scanner.at) === '\\' ? 2 : 1;
  scanner.at++;
  const value: unknown = JSON.parse(scanner.text.slice(start, scanner.at));
  return String(value);
}

function scanObject(scanner: Scanner, path: string, found: Set<string>): void {
  const seen = new Set<string>();
  scanner.at++;
  while (skipSpace(scanner) === '"') {
    const name = scanString(scanner);
    const here = path === '' ? name : `${path}.${name}`;
    if (seen.has(name)) found.add(here);
    seen.add(name);
    skipSpace(scanner);
    scanner.at++;
    scanValue(scanner, here, found);
    if (skipSpace(scanner) === ',') scanner.at++;
  }
  scanner.at++;
}

function scanArray(scanner: Scanner, path: string, found: Set<string>): void {
  scanner.at++;
  for (let position = 0; scanner.at < scanner.text.length && skipSpace(scanner) !== ']'; position++) {
    scanValue(scanner, `${path}[${position}]`, found);
    if (skipSpace(scanner) === ',') scanner.at++;
  }
  scanner.at++;
}
