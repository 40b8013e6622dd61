/** A number with its noun, as messages to people have it: `1 device`, `0 devices`, `2 entries`. */
export function counted(count: number, noun: string, plural = `${noun}s`): string {
  return `${count} ${count === 1 ? noun : plural}`;
}
