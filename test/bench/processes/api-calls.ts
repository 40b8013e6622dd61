// Counts the calls that a process makes, by verb and resource.

/** `METHOD resource`, with the status where it was refused, and how often; most frequent first. */
export type CallsByKind = [string, number][];

export class ApiCalls {
  readonly #counts = new Map<string, number>();

  readonly onCall = ({ method, path, status }: { method: string; path: string; status: number }): void => {
    const name = `${method} ${kindOf(path)}${status >= 200 && status < 300 ? '' : `, ${status || 'no answer'}`}`;
    this.#counts.set(name, (this.#counts.get(name) ?? 0) + 1);
  };

  /** Those since this was last asked. */
  take(): CallsByKind {
    const byKind = [...this.#counts].sort((a, b) => b[1] - a[1]);
    this.#counts.clear();
    return byKind;
  }
}

/** `/apis/GROUP/VERSION/namespaces/NS/PLURAL/NAME/SUB` → `PLURAL/SUB` */
function kindOf(path: string): string {
  const parts = path.split('/').filter(Boolean);
  const rest = parts.slice(parts[0] === 'api' ? 2 : 3);
  const [plural = '', , subresource] = rest[0] === 'namespaces' && rest.length > 2 ? rest.slice(2) : rest;
  return subresource === undefined ? plural : `${plural}/${subresource}`;
}
