// The least that an HTTP server in Node does with a request: read its body, send it back.
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { answerCalls } from '../harness/worker-process.ts';

const server = http.createServer((request, response) => {
  const chunks: Buffer[] = [];
  request.on('data', (chunk: Buffer) => chunks.push(chunk));
  request.on('end', () => {
    const body = Buffer.concat(chunks);
    response.writeHead(200, { 'content-type': 'application/json', 'content-length': body.length }).end(body);
  });
});

answerCalls(
  {
    start: async (): Promise<{ url: string }> => {
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
    },
  },
  async () => {
    server.closeAllConnections();
    server.close();
  },
);
