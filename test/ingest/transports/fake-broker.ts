import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { generate, type Packet, parser as packetParser } from 'mqtt-packet';

/** What a fake broker does with one connection. */
export interface Conversation {
  heard(packet: Packet): void;
  ended?(): void;
}

/** The broker's side of a connection. */
export interface Line {
  answer(packet: Packet): void;
  /** Ends the connection without a word. */
  cut(): void;
}

/** As much of a broker of MQTT 5 as a test needs, where a real one does not do at will what the test is about. */
export class FakeBroker {
  readonly #server;

  constructor(converse: (line: Line) => Conversation) {
    this.#server = createServer((socket) => serve(socket, converse));
  }

  /** Resolves with the broker's address. */
  async listen(): Promise<string> {
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
    return `mqtt://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  close(): void {
    this.#server.close();
  }
}

function serve(socket: Socket, converse: (line: Line) => Conversation): void {
  const parser = packetParser({ protocolVersion: 5 });
  const conversation = converse({
    answer: (packet) => {
      if (!socket.destroyed) socket.write(generate(packet, { protocolVersion: 5 }));
    },
    cut: () => socket.destroy(),
  });
  parser.on('packet', (packet) => conversation.heard(packet));
  socket.on('close', () => conversation.ended?.());
  socket.on('data', (bytes) => parser.parse(bytes));
  socket.on('error', () => {});
}
