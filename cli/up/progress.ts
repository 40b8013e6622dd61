import type { DeploymentLine, Standing } from '../output/deployment.ts';

const marks: Record<Standing, string> = { working: '…', ready: '✓', refused: '✗' };

/** Shows how deployments converge: a block that redraws on a terminal, a line per change elsewhere. */
export class Progress {
  readonly #out: NodeJS.WriteStream;
  readonly #shown = new Map<string, string>();
  #drawn = 0;

  constructor(out: NodeJS.WriteStream) {
    this.#out = out;
  }

  /** A line that stays. */
  note(text: string): void {
    this.#erase();
    this.#out.write(`${text}\n`);
    this.#draw();
  }

  update(lines: readonly DeploymentLine[]): void {
    const changed = lines.filter((line) => this.#shown.get(line.name) !== render(line));
    if (changed.length === 0) return;
    for (const line of changed) this.#shown.set(line.name, render(line));
    if (!this.#out.isTTY) {
      for (const line of changed) this.#out.write(`${render(line)}\n`);
      return;
    }
    this.#erase();
    this.#draw();
  }

  #draw(): void {
    if (!this.#out.isTTY) return;
    const width = Math.max(20, this.#out.columns - 1);
    for (const text of this.#shown.values()) this.#out.write(`${text.length > width ? `${text.slice(0, width - 1)}…` : text}\n`);
    this.#drawn = this.#shown.size;
  }

  #erase(): void {
    if (this.#drawn > 0) this.#out.write(`\u001b[${this.#drawn}A\u001b[0J`);
    this.#drawn = 0;
  }
}

function render(line: DeploymentLine): string {
  return `  ${marks[line.standing]} ${line.name.padEnd(30)} ${line.text}`;
}
