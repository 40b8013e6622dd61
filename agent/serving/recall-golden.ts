import type { RevisionStatus, Slot } from '../../crds/model-instance.ts';
import type { RevisionRecord } from '../record/learned-record.ts';

/**
 * The golden result that this device has for a slot already, so that a restart need not run the set again: the same
 * verified bytes, on the same device, in the same runtime with the same settings, give the same answers. Undefined when
 * anything of that differs, or when the set asks for more by now.
 * @param runtime name and version of what runs the model; undefined when that is not known, as of another server.
 */
export function recallGolden(
  before: RevisionRecord | undefined,
  slot: Slot,
  runtime: string | undefined,
): RevisionStatus['golden'] {
  const { golden } = before ?? {};
  if (!golden || !slot.goldenSet || runtime === undefined) return undefined;
  const { result, digest } = golden;
  const same =
    before?.digest === slot.digest &&
    digest === slot.goldenSet.digest &&
    golden.runtime === runtimeKey(runtime, slot) &&
    result.metric === slot.goldenSet.metric;
  return same && result.passed && result.permille >= slot.goldenSet.minimumPermille ? result : undefined;
}

/** All that the answers of a model hang on, beside its bytes. */
export function runtimeKey(runtime: string, slot: Slot): string {
  const { threads = 1, executionProviders = ['cpu'] } = slot.runtime ?? {};
  return `${runtime} ${threads} ${executionProviders.join('+')} ${(slot.classLabels ?? []).join(',')}`;
}
