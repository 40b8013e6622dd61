// Keys by value, each list sorted and without a key twice: thousands are read in order, few change at a time.

export function addKey(lists: Map<string, string[]>, value: string, key: string): void {
  const keys = lists.get(value);
  if (!keys) {
    lists.set(value, [key]);
    return;
  }
  const at = positionOf(keys, key);
  if (keys[at] !== key) keys.splice(at, 0, key);
}

/** A value without keys goes. */
export function removeKey(lists: Map<string, string[]>, value: string, key: string): void {
  const keys = lists.get(value);
  if (!keys) return;
  const at = positionOf(keys, key);
  if (keys[at] === key) keys.splice(at, 1);
  if (keys.length === 0) lists.delete(value);
}

/** Of the first that does not come before it. */
function positionOf(keys: readonly string[], key: string): number {
  let low = 0;
  let high = keys.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((keys[middle] ?? '') < key) low = middle + 1;
    else high = middle;
  }
  return low;
}
