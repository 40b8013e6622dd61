export type Json = null | boolean | number | string | Json[] | JsonMap;

export interface JsonMap {
  [key: string]: Json;
}

export function isMap(value: Json): value is JsonMap {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
