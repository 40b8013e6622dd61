import type { ServerResponse } from 'node:http';
import { internalError, StatusError } from './status-error.ts';

/** What is written back: JSON text as it is stored, or a value to be written as JSON, or plain text. */
export interface Answer {
  readonly code: number;
  readonly body: { readonly json: string } | { readonly value: unknown } | { readonly text: string };
  readonly warnings?: readonly string[];
  readonly contentType?: string;
}

export function ok(value: unknown, code = 200): Answer {
  return { code, body: { value } };
}

export function sendAnswer(response: ServerResponse, answer: Answer): void {
  const { body } = answer;
  const text = 'text' in body ? body.text : 'json' in body ? body.json : JSON.stringify(body.value);
  const type = answer.contentType ?? ('text' in body ? 'text/plain; charset=utf-8' : 'application/json');
  const warnings = warningHeaders(answer.warnings ?? []);
  if (warnings.length > 0) response.setHeader('warning', warnings);
  response.writeHead(answer.code, {
    'content-type': type,
    'content-length': Buffer.byteLength(text),
    'cache-control': 'no-cache, private',
  });
  response.end(text);
}

/** As kube-apiserver: clients take no more of headers. */
const maximumWarningCharacters = 4096;

function warningHeaders(warnings: readonly string[]): string[] {
  const headers: string[] = [];
  let characters = 0;
  for (const warning of warnings) {
    const header = warningHeader(warning);
    characters += header.length;
    if (characters > maximumWarningCharacters) break;
    headers.push(header);
  }
  return headers;
}

/** RFC 7234's quoted string; header values carry Latin-1 only, so the rest is escaped. */
function warningHeader(text: string): string {
  const escaped = text.replace(/["\\]/g, '\\$&').replace(/[^\x20-\x7e]/g, '?');
  return `299 - "${escaped.slice(0, 1024)}"`;
}

export function sendError(response: ServerResponse, error: unknown): StatusError {
  const status = error instanceof StatusError ? error : internalError(error);
  if (response.headersSent) {
    response.destroy();
    return status;
  }
  // The rest of a body that nobody read is not the next request.
  if (!response.req.complete) response.setHeader('connection', 'close');
  const retry = status.details?.retryAfterSeconds;
  if (retry !== undefined) response.setHeader('retry-after', String(retry));
  sendAnswer(response, ok(status.toStatus(), status.code));
  return status;
}
