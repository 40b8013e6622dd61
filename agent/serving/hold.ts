import { Cron } from 'croner';
import type { DeviceSettings } from '../assignment/desired-state.ts';

/**
 * Whether models may not change now: the device is on hold, or it has maintenance windows and is outside all of them.
 * A schedule that cannot be read holds nothing back: a typing error must not freeze a device for ever.
 */
export function isActivationHeld(settings: DeviceSettings, now: number): boolean {
  if (settings.hold) return true;
  const windows = settings.maintenanceWindows;
  if (windows.length === 0) return false;
  return !windows.some((window) => isInside(window, now));
}

function isInside(window: DeviceSettings['maintenanceWindows'][number], now: number): boolean {
  const lengthMilliseconds = window.durationMinutes * 60_000;
  try {
    const schedule = new Cron(window.schedule, {
      paused: true,
      ...(window.timeZone === undefined ? {} : { timezone: window.timeZone }),
    });
    const start = schedule.nextRun(new Date(now - lengthMilliseconds));
    return start !== null && start.getTime() <= now;
  } catch {
    return true;
  }
}
