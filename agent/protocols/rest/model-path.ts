/** What a path below /v2/models means. A model's name may hold a slash: `namespace/name`. */
export type ModelPath = { kind: 'list' } | { kind: 'metadata' | 'ready' | 'infer'; name: string; version?: string };

/** @param path below `/v2/models`, without slashes at its ends. Undefined when it means nothing. */
export function parseModelPath(path: string): ModelPath | undefined {
  if (path === '') return { kind: 'list' };
  let segments: string[];
  try {
    segments = path.split('/').map(decodeURIComponent);
  } catch {
    return undefined;
  }
  const last = segments.at(-1);
  const verb = segments.length > 1 && (last === 'infer' || last === 'ready') ? last : 'metadata';
  if (verb !== 'metadata') segments.pop();
  let version: string | undefined;
  if (segments.length > 2 && segments.at(-2) === 'versions') {
    version = segments.pop();
    segments.pop();
  }
  const name = segments.join('/');
  if (segments.length > 2 || segments.includes('')) return undefined;
  return { kind: verb, name, ...(version === undefined ? {} : { version }) };
}
