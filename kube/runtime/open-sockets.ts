import type { Server, Socket } from 'node:net';

/**
 * The sockets that are open on a server, from their acceptance on. The list that an HTTPS server keeps itself begins after the
 * handshake: a client that never finishes it would hold up the server's end for two minutes.
 */
export function openSockets(server: Server): ReadonlySet<Socket> {
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  return sockets;
}
