import type { Client } from 'aedes';
import type { GatewayTraffic } from '../gateways/traffic.ts';
import { AckQueue } from './ack-queue.ts';
import type { BrokerLimits } from './broker-limits.ts';
import { TokenBucket } from './token-bucket.ts';

/** Who is at the other end of a connection that has signed in. */
export interface Peer {
  readonly client: Client;
  /** null: an anonymous client, where these are allowed. */
  readonly gateway: string | null;
  readonly acks: AckQueue;
  readonly account: Account;
  readonly traffic: GatewayTraffic;
  /** What stood for the secret when it signed in. */
  readonly credential: string | null;
  /** Messages that wait, in the order in which they came; at most what one read of the socket gave. */
  readonly waiting: (() => void)[];
  timer: NodeJS.Timeout | null;
  draining: boolean;
}

/** What all connections of one gateway share. */
export interface Account {
  readonly messages: TokenBucket;
  readonly bytes: TokenBucket;
  readonly peers: Set<Peer>;
  /** Messages taken and not committed. */
  pending: number;
}

/** The connections that have signed in. */
export class Peers {
  readonly #limits: Pick<BrokerLimits, 'messagesPerSecond' | 'bytesPerSecond'>;
  readonly #trafficOf: (gateway: string | null) => GatewayTraffic;
  readonly #accounts = new Map<string, Account>();
  readonly #peers = new WeakMap<Client, Peer>();

  /** `trafficOf` says where a gateway's connections are counted. */
  constructor(limits: Pick<BrokerLimits, 'messagesPerSecond' | 'bytesPerSecond'>, trafficOf: (gateway: string | null) => GatewayTraffic) {
    this.#limits = limits;
    this.#trafficOf = trafficOf;
  }

  of(client: Client): Peer | undefined {
    return this.#peers.get(client);
  }

  hasWaiting(client: Client): boolean {
    const peer = this.#peers.get(client);
    return peer !== undefined && peer.waiting.length > 0;
  }

  connectionsOf(gateway: string): number {
    return this.#accounts.get(gateway)?.peers.size ?? 0;
  }

  /** Every gateway that has signed in since the start, with its connections of now. */
  get gateways(): readonly (readonly [string, Iterable<Peer>])[] {
    return [...this.#accounts].map(([gateway, { peers }]) => [gateway, peers]);
  }

  welcome(client: Client, gateway: string | null, credential: string | null): void {
    const { conn } = client;
    const acks = new AckQueue((bytes) => {
      if (conn.writable) conn.write(bytes);
    });
    const account = (gateway === null ? undefined : this.#accounts.get(gateway)) ?? this.#newAccount();
    const traffic = this.#trafficOf(gateway);
    traffic.connect();
    const peer: Peer = { client, gateway, acks, account, traffic, credential, waiting: [], timer: null, draining: false };
    if (gateway !== null) this.#accounts.set(gateway, account);
    account.peers.add(peer);
    this.#peers.set(client, peer);
  }

  farewell(peer: Peer): void {
    peer.acks.close();
    peer.traffic.disconnect();
    peer.account.peers.delete(peer);
  }

  /** Accounts outlive their connections, so that nobody gets a new burst by connecting again. */
  #newAccount(): Account {
    const { messagesPerSecond, bytesPerSecond } = this.#limits;
    const now = performance.now();
    return {
      messages: new TokenBucket(messagesPerSecond, messagesPerSecond, now),
      bytes: new TokenBucket(bytesPerSecond, bytesPerSecond, now),
      peers: new Set(),
      pending: 0,
    };
  }
}
