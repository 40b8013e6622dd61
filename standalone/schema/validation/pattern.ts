// Patterns are RE2 in Kubernetes. JavaScript's syntax agrees on what schemas use; what it cannot compile never matches.

const compiled = new Map<string, RegExp | undefined>();

/** Patterns come from the fixed set of schemas, so the cache is bounded by them. */
export function matchesPattern(pattern: string, text: string): boolean {
  if (!compiled.has(pattern)) compiled.set(pattern, compilePattern(pattern));
  return compiled.get(pattern)?.test(text) ?? false;
}

/** RE2's leading flags, such as (?i), become JavaScript's; \A, \z and \pN mean the same under other names. */
function compilePattern(pattern: string): RegExp | undefined {
  const flags = /^\(\?([ims]+)\)/.exec(pattern);
  const body = (flags ? pattern.slice(flags[0].length) : pattern)
    .replaceAll(/\\A/g, '^')
    .replaceAll(/\\z/g, '$')
    .replaceAll('(?P<', '(?<');
  for (const mode of ['u', '']) {
    try {
      return new RegExp(body, `${flags?.[1] ?? ''}${mode}`);
    } catch {
      // The stricter syntax refuses some escapes that RE2 and the older one accept.
    }
  }
  return undefined;
}
