// What the embedded server was asked while a suite ran, whoever asked: Node tells of every request that its servers begin to read.
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { IncomingMessage } from 'node:http';
import { type RequestInfo, readRequestInfo } from '../../../standalone/http/request-info.ts';

export interface RecordedCall {
  method: string;
  info: RequestInfo;
  accept: string;
  contentType: string;
  /** '' when there was none, or when it is no text. */
  body: string;
}

export interface CallRecorder {
  calls(): RecordedCall[];
  stop(): void;
}

const channel = 'http.server.request.start';

/** Records what arrives at a port of this process, from now on. */
export function recordCalls(port: number): CallRecorder {
  const recorded: { request: IncomingMessage; chunks: Buffer[] }[] = [];
  const onRequest = (message: unknown) => {
    const { request } = message as { request: unknown };
    if (request instanceof IncomingMessage && request.socket.localPort === port) {
      recorded.push({ request, chunks: copyBody(request) });
    }
  };
  subscribe(channel, onRequest);
  return {
    calls: () => recorded.flatMap(({ request, chunks }) => readCall(request, Buffer.concat(chunks))),
    stop: () => {
      unsubscribe(channel, onRequest);
    },
  };
}

/** Reading the body here would take it from the server, so the bytes are noted as the parser hands them over. */
function copyBody(request: IncomingMessage): Buffer[] {
  const chunks: Buffer[] = [];
  const push = request.push.bind(request);
  request.push = (chunk: unknown, encoding) => {
    if (Buffer.isBuffer(chunk)) chunks.push(Buffer.from(chunk));
    return push(chunk, encoding);
  };
  return chunks;
}

function readCall(request: IncomingMessage, body: Buffer): RecordedCall[] {
  const method = request.method ?? '';
  const info = readRequestInfo(method, request.url ?? '');
  if (info === undefined) return [];
  const { accept = '', 'content-type': contentType = '' } = request.headers;
  return [{ method, info, accept, contentType, body: body.toString('latin1') }];
}
