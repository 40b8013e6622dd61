// A line that can be plugged from one server into another: connections are cut, and new ones end elsewhere.
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';

export class TcpSwitch {
  readonly #server: Server;
  readonly #open = new Set<Socket>();
  #port: number;

  private constructor(server: Server, port: number) {
    this.#server = server;
    this.#port = port;
    server.on('connection', (socket) => this.#forward(socket));
  }

  /** @param port of the first server behind it, on loopback as all of them. */
  static async start(port: number): Promise<TcpSwitch> {
    const server = createServer();
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return new TcpSwitch(server, port);
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  plugInto(port: number): void {
    this.#port = port;
    for (const socket of this.#open) socket.destroy();
  }

  async close(): Promise<void> {
    this.plugInto(0);
    this.#server.close();
    await once(this.#server, 'close');
  }

  #forward(socket: Socket): void {
    const further = connect(this.#port, '127.0.0.1');
    for (const [one, other] of [
      [socket, further],
      [further, socket],
    ] as const) {
      this.#open.add(one);
      one.on('error', () => undefined); // its close ends the other side
      one.on('close', () => {
        this.#open.delete(one);
        other.destroy();
      });
      one.pipe(other);
    }
  }
}
