import type { EpochMs } from '../../model/ids.ts';

/** What one gateway has sent since the start. Plain numbers that only grow, but for `connections`. */
export class GatewayTraffic {
  /** null: everything that no registered gateway has vouched for. */
  readonly gateway: string | null;
  messages = 0;
  bytes = 0;
  /** Taken to be stored; repeats of what is there already among them. */
  readings = 0;
  /** Values, or whole messages where it never came to values. */
  refused = 0;
  /** Messages of which nothing was kept, as the mapping leaves out everything in them. */
  leftOut = 0;
  /** Times that it was made to wait: for its rate, or because others had less under way. */
  held = 0;
  /** Frames with a wrong CRC or length that were taken, as the gateway's link says. */
  tolerated = 0;
  /** When its last message came; 0 where none has. */
  lastSeen: EpochMs = 0;
  /** How its last message came. */
  transport: string | null = null;
  /** Open connections of its own. */
  connections = 0;
  /** What its meters' status topics said last; null where they said nothing. */
  said: boolean | null = null;
  #hasConnected = false;

  constructor(gateway: string | null) {
    this.gateway = gateway;
  }

  connect(): void {
    this.connections++;
    this.#hasConnected = true;
  }

  disconnect(): void {
    this.connections--;
  }

  /** Null where its own connections and its status topics tell nothing: see `GatewayBook.connections`. */
  get isConnected(): boolean | null {
    return this.#hasConnected ? this.connections > 0 : this.said;
  }
}
