// The text of /metrics, as far as tests look at it.

export interface Family {
  name: string;
  type: string;
  help: string;
  /** Labels seen on its series, sorted; without `le`. */
  labels: string[];
}

/** Families in the order of the page, those without a series included. */
export function parseFamilies(text: string): Family[] {
  const types = new Map([...text.matchAll(/^# TYPE (\S+) (\S+)$/gm)].map(([, name = '', type = '']) => [name, type]));
  const helps = [...text.matchAll(/^# HELP (\S+) (.*)$/gm)].map(([, name = '', help = '']) => ({ name, help }));
  const labels = seenLabels(text, new Set(types.keys()));
  return helps.map(({ name, help }) => ({
    name,
    help,
    type: types.get(name) ?? '',
    labels: [...(labels.get(name) ?? [])].sort(),
  }));
}

function seenLabels(text: string, families: ReadonlySet<string>): Map<string, Set<string>> {
  const labels = new Map<string, Set<string>>();
  for (const [, name = '', inner = ''] of text.matchAll(/^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? /gm)) {
    const family = families.has(name) ? name : name.replace(/_(bucket|sum|count)$/, '');
    const seen = labels.get(family) ?? new Set<string>();
    for (const [, label = ''] of inner.matchAll(/(\w+)="(?:[^"\\]|\\.)*"/g)) if (label !== 'le') seen.add(label);
    labels.set(family, seen);
  }
  return labels;
}

export interface Documented {
  type: string;
  labels: string[];
}

/** The rows of docs/metrics.md: `| name | type | labels | meaning |`. */
export function parseDocumented(page: string, section: string): Map<string, Documented> {
  const part = page.split(/^## /m).find((one) => one.startsWith(section));
  const rows = (part ?? '').matchAll(/^\| `(\w+)` \| (\w+) \| (.*?) \| .+ \|$/gm);
  return new Map(
    [...rows].map(([, name = '', type = '', labels = '']) => [
      name,
      { type, labels: [...labels.matchAll(/`(\w+)`/g)].map(([, label = '']) => label).sort() },
    ]),
  );
}
