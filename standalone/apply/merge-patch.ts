import { copyJson, isObject, type JsonObject, type JsonValue, property, setProperty } from '../schema/json.ts';

/** RFC 7386: null removes a member, objects merge, everything else replaces. */
export function mergePatch(target: JsonValue | undefined, patch: JsonValue): JsonValue {
  if (!isObject(patch)) return copyJson(patch);
  const result: JsonObject = isObject(target) ? copyJson(target) : {};
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete result[key];
    else setProperty(result, key, mergePatch(property(result, key), value));
  }
  return result;
}
