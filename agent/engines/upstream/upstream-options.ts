/** A server beside the agent that speaks the Open Inference Protocol, such as one that uses the board's GPU. */
export interface UpstreamOptions {
  /** What `runtime.upstreamName` of a deployment says. */
  name: string;
  /** Without /v2. */
  url: string;
  /** Directory that the server reads its models from, where the agent may put them: MODEL/1/model.onnx, as Triton lays it out. */
  repository?: string;
}

const namePattern = /^[a-z0-9]([a-z0-9.-]{0,61}[a-z0-9])?$/;

/** `NAME=URL`, or `NAME=URL,repository=DIR`. @throws Error that says what is wrong with the text. */
export function parseUpstream(text: string): UpstreamOptions {
  const equals = text.indexOf('=');
  const name = text.slice(0, Math.max(0, equals));
  const [address = '', ...settings] = text.slice(equals + 1).split(',');
  if (!namePattern.test(name))
    throw new Error(`"${text}" does not begin with NAME=: a short name of small letters, digits, dots and hyphens`);
  const url = URL.canParse(address) ? new URL(address) : undefined;
  if (!url || !/^https?:$/.test(url.protocol)) throw new Error(`upstream ${name}: "${address}" is no http(s) URL`);
  if (url.username !== '' || url.password !== '')
    throw new Error(`upstream ${name}: credentials in a URL end up in logs and lists of processes`);
  let repository: string | undefined;
  for (const setting of settings) {
    if (!/^repository=./.test(setting)) throw new Error(`upstream ${name}: "${setting}" is not known; there is repository=DIR`);
    repository = setting.slice('repository='.length);
  }
  return { name, url: address.replace(/\/+$/, ''), ...(repository === undefined ? {} : { repository }) };
}
