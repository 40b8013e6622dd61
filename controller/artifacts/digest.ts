const pattern = /^sha256:([0-9a-f]{64})$/;

/** The hex part of `sha256:<64 hex>`. @throws Error naming the value: a digest becomes a file name. */
export function digestHex(digest: string): string {
  const hex = pattern.exec(digest)?.[1];
  if (hex === undefined) throw new Error(`"${digest.slice(0, 100)}" is not a digest: expected sha256:<64 hex digits>`);
  return hex;
}
