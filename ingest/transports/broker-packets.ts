import type { Client } from 'aedes';

/** Longest packet before a client has signed in. */
const LONGEST_STRANGER = 16 << 10;

// What aedes 1.2.0 does not declare. test/integration/broker-security.test.ts shows that it is there.
interface ClientInternals {
  readonly _authorized: boolean;
  readonly _parser: Parser;
}
interface Parser {
  readonly packet: { readonly length: number };
  _parseLength(): boolean;
  _emitError(error: Error): false;
}

/** mqtt-packet gathers a packet of up to 256 MB; the announced length is looked at first, in bytes. */
export function boundPackets(client: Client, longest: number, onTooLong: () => void): void {
  const internals = client as unknown as ClientInternals;
  const parser = internals._parser;
  const parseLength = parser._parseLength;
  parser._parseLength = () => {
    const known = parseLength.call(parser);
    if (!known || parser.packet.length <= (internals._authorized ? longest : LONGEST_STRANGER)) return known;
    onTooLong();
    return parser._emitError(new Error(`a packet of ${parser.packet.length} bytes is longer than the broker takes`));
  };
}
