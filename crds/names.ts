// Every name that two parts must agree on: annotations, field managers, namespaces, identities.

export const annotations = {
  /** Clears the rejection of a revision: its value names the revision. */
  retry: 'jouleops.dev/retry',
  /** `<revision>/<step>`, consumed once. */
  promote: 'jouleops.dev/promote',
  /** `<revision>`, consumed once. */
  abort: 'jouleops.dev/abort',
  /** On an EdgeDevice: fingerprint of the key that joined under this name. */
  keyFingerprint: 'jouleops.dev/key-fingerprint',
  /** On a ControllerRevision: what a rollout must remember. */
  rolloutState: 'jouleops.dev/rollout-state',
  /** On a ControllerRevision: rejections by criteria hash and device class. */
  rejections: 'jouleops.dev/rejections',
  ssa: 'jouleops.dev/ssa',
  prune: 'jouleops.dev/prune',
  requestedAt: 'jouleops.dev/requestedAt',
} as const;

export const labels = {
  deployment: 'jouleops.dev/deployment',
  device: 'jouleops.dev/device',
  revisionOf: 'jouleops.dev/revision-of',
} as const;

/** One server-side-apply field manager per writer. */
export const fieldManagers = {
  controller: 'jouleops-controller',
  placement: 'jouleops-placement',
  agent: 'jouleops-agent',
  fleet: 'jouleops-fleet',
  cli: 'jouleops-cli',
} as const;

/** Where heartbeats (Leases named after devices) live. */
export const devicesNamespace = 'jouleops-devices';
/** Where the controller keeps its own Leases, ConfigMaps and join tokens, unless told otherwise. */
export const systemNamespace = 'jouleops-system';

/** Where the agents' pods run, when they are a DaemonSet. */
export const agentsNamespace = 'jouleops-agents';
/** What such a pod runs as: the only service account whose token joins a device. */
export const agentServiceAccount = `system:serviceaccount:${agentsNamespace}:jouleops-agent`;

/** Published by the controller: where devices join, and the CA that they trust there. */
export const devicePortConfigMap = {
  name: 'jouleops-device-port',
  keys: { url: 'url', certificateAuthority: 'ca.crt', caFingerprint: 'caFingerprint' },
} as const;

export const devicesGroup = 'jouleops:devices';
const devicePrefix = 'jouleops:device:';

export function deviceUserName(deviceName: string): string {
  return `${devicePrefix}${deviceName}`;
}

/** The device's name out of a user name, or undefined when it is not a device. */
export function deviceNameOf(userName: string): string | undefined {
  return userName.startsWith(devicePrefix) ? userName.slice(devicePrefix.length) : undefined;
}

export const simulatedSuffix = '-simulated';

/** A device renews its Lease this often (with jitter) and is lost after this much locally observed silence. */
export const heartbeat = { renewSeconds: 60, lostSeconds: 180 } as const;
