// Everything that git may know of this machine: nothing of its user's or system's configuration, no prompt, no hook. Pure.

/** Variables of ours that git may see: how to reach hosts and whom to trust, and nothing else. */
const passed = ['PATH', 'HTTPS_PROXY', 'https_proxy', 'NO_PROXY', 'no_proxy', 'SSL_CERT_FILE', 'SSL_CERT_DIR'] as const;

/** Set for every call. A repository of somebody else's making is data: it must not choose a program or a place to write. */
const settings: readonly (readonly [string, string])[] = [
  ['core.hooksPath', '/dev/null'],
  ['core.fsmonitor', 'false'],
  ['core.attributesFile', '/dev/null'],
  // Blobs above this are streamed to disk instead of read into memory.
  ['core.bigFileThreshold', '1m'],
  ['credential.helper', ''],
  ['fetch.fsckObjects', 'true'],
  ['fetch.recurseSubmodules', 'false'],
  // Always packs: a thousand fetches leave a thousand files, not a million.
  ['fetch.unpackLimit', '1'],
  ['gc.auto', '0'],
  ['maintenance.auto', 'false'],
  // A redirect would carry the token to a host that nobody named.
  ['http.followRedirects', 'false'],
  ['http.sslVerify', 'true'],
  ['pack.threads', '1'],
  ['protocol.version', '2'],
];

export interface GitAccess {
  /** More settings, such as a token's header: in the environment, where other users of the machine cannot read them. */
  settings: readonly (readonly [string, string])[];
  /** Command line for ssh. Absent: ssh is not allowed. */
  sshCommand?: string;
  allowFiles: boolean;
}

/** @param silenceSeconds after which a server that sends nothing is given up */
export function gitEnvironment(
  access: GitAccess,
  options: { home: string; silenceSeconds: number; own?: NodeJS.ProcessEnv },
): Record<string, string> {
  const own = options.own ?? process.env;
  const all = [
    ...settings,
    ['http.lowSpeedLimit', '1'] as const,
    ['http.lowSpeedTime', String(options.silenceSeconds)] as const,
    ...access.settings,
  ];
  return {
    ...Object.fromEntries(passed.flatMap((name) => (own[name] === undefined ? [] : [[name, own[name]]]))),
    HOME: options.home,
    LC_ALL: 'C',
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_CONFIG_SYSTEM: '/dev/null',
    GIT_CONFIG_GLOBAL: '/dev/null',
    GIT_CONFIG_COUNT: String(all.length),
    ...Object.fromEntries(
      all.flatMap(([key, value], index) => [
        [`GIT_CONFIG_KEY_${index}`, key],
        [`GIT_CONFIG_VALUE_${index}`, value],
      ]),
    ),
    GIT_TERMINAL_PROMPT: '0',
    GIT_ASKPASS: 'false',
    SSH_ASKPASS: 'false',
    SSH_ASKPASS_REQUIRE: 'never',
    GIT_ALLOW_PROTOCOL: [
      'https',
      ...(access.sshCommand === undefined ? [] : ['ssh']),
      ...(access.allowFiles ? ['file'] : []),
    ].join(':'),
    GIT_PROTOCOL_FROM_USER: '0',
    GIT_NO_REPLACE_OBJECTS: '1',
    ...(access.sshCommand === undefined ? {} : { GIT_SSH_COMMAND: access.sshCommand, GIT_SSH_VARIANT: 'ssh' }),
  };
}
