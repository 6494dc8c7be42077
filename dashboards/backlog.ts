/** What a client may leave unread before it is dropped. It connects again by itself and starts from a fresh snapshot. */
export interface BacklogLimits {
  /** Packets that wait for the transport. */
  readonly packets: number;
  /** Bytes (UTF-16 units of text) that wait for the transport. */
  readonly bytes: number;
}

/** 64 packets are about 15 s of readings; 8 MiB hold the snapshot of a park with some 20,000 meters. */
export const DEFAULT_BACKLOG: BacklogLimits = { packets: 64, bytes: 8 * 1024 * 1024 };

/** The two events of an engine.io connection that tell its queue: a packet joins it, or the transport takes it whole. */
interface Connection {
  on(event: 'packetCreate', listener: (packet: { readonly data?: unknown }) => void): unknown;
  on(event: 'flush', listener: () => void): unknown;
}

/** Calls `tooSlow` once, when more than the limits waits for a transport that does not drain. */
export function watchBacklog(connection: Connection, limits: BacklogLimits, tooSlow: (waiting: BacklogLimits) => void): void {
  let packets = 0;
  let bytes = 0;
  let told = false;
  connection.on('packetCreate', (packet) => {
    packets++;
    bytes += sizeOf(packet.data);
    // One packet of any size may wait: only more behind it means that the client does not read.
    if (told || packets < 2 || (packets <= limits.packets && bytes <= limits.bytes)) return;
    told = true;
    tooSlow({ packets, bytes });
  });
  connection.on('flush', () => {
    packets = 0;
    bytes = 0;
  });
}

const sizeOf = (data: unknown): number => (typeof data === 'string' ? data.length : data instanceof Uint8Array ? data.byteLength : 0);
