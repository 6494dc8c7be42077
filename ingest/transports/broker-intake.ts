import type { AedesPublishPacket, Client, PublishPacket } from 'aedes';
import type { Clock } from '../../model/clock.ts';
import type { DecodedIntake, Done, IngestMessage, Intake } from '../port.ts';
import type { BrokerStats } from './broker-limits.ts';
import type { Peer, Peers } from './broker-peers.ts';
import { UnderWay } from './under-way.ts';

/** From this share of the pipeline's room on, whoever has more than a fair share of it waits first. */
const CROWDED = 0.5;
/** Unacknowledged messages that nobody is held for. */
const ALWAYS_FAIR = 16;

export interface BrokerIntakeOptions {
  readonly pipeline: Intake & Partial<Pick<DecodedIntake, 'acceptDecoded'>>;
  /** May the gateway publish there? Default: yes, and the pipeline decides by meter. */
  mayPublish?(gateway: string, topic: string): boolean;
  /** Takes the topic's messages in the pipeline's place; null leaves them to the pipeline. */
  onTopic?(topic: string): ((message: IngestMessage, done: Done) => void) | null;
  /** How much of the pipeline's room is taken, 0 to 1. Default: not known, and nobody is held before it is full. */
  crowding?(): number;
  readonly clock: Clock;
}

/** Takes what gateways publish: each in its turn and at its rate, acknowledged when it is durable. */
export class BrokerIntake {
  readonly #options: BrokerIntakeOptions;
  readonly #stats: BrokerStats;
  readonly #peers: Peers;
  readonly #waiting = new Set<Peer>();
  readonly #underWay = new UnderWay();
  /** Gateways with something under way. */
  #busy = 0;
  #closed = false;

  constructor(options: BrokerIntakeOptions, stats: BrokerStats, peers: Peers) {
    this.#options = options;
    this.#stats = stats;
    this.#peers = peers;
  }

  /**
   * aedes asks here before it acknowledges, and would hold up everything behind the message until it is answered, pings included.
   * So a QoS 1 message goes on as QoS 0, for which aedes sends nothing, and the PUBACK is ours. QoS 2 is rare and simply waits.
   */
  take(client: Client | null, packet: PublishPacket, done: (error?: Error | null) => void): void {
    const peer = client === null ? undefined : this.#peers.of(client);
    if (client === null || peer === undefined || this.#closed) return;
    const isWill = packet.cmd !== 'publish';
    if (isWill || (peer.waiting.length === 0 && this.#mayGo(peer))) {
      this.#accept(peer, packet, done);
      return;
    }
    // aedes reads no further from this connection while the answer is owed.
    peer.waiting.push(() => {
      if (!client.closed && !this.#closed) this.#accept(peer, packet, done);
    });
    this.#waiting.add(peer);
  }

  /** The pipeline has room again. */
  goOn(): void {
    for (const peer of [...this.#waiting]) this.#drain(peer);
  }

  /** The connection is gone, and with it what waited on it. */
  forget(peer: Peer): void {
    peer.waiting.length = 0;
    this.#waiting.delete(peer);
    if (peer.timer !== null) clearTimeout(peer.timer);
    peer.timer = null;
  }

  /** Takes nothing more; resolves when what was taken is done with, after `graceMs` in any case. */
  close(graceMs: number): Promise<void> {
    this.#closed = true;
    return this.#underWay.none(graceMs);
  }

  /** Whoever may not is woken: by the pipeline, by an acknowledgement of its own, or by its timer. */
  #mayGo(peer: Peer): boolean {
    if (this.#options.pipeline.full) return false;
    const { account } = peer;
    if (account.pending > ALWAYS_FAIR && (this.#options.crowding?.() ?? 0) >= CROWDED && account.pending > this.#underWay.count / this.#busy) {
      this.#hold(peer);
      return false;
    }
    const now = performance.now();
    const wait = Math.max(account.messages.waitMs(now), account.bytes.waitMs(now));
    if (wait === 0) return true;
    this.#hold(peer);
    peer.timer ??= setTimeout(() => {
      peer.timer = null;
      this.#drain(peer);
    }, wait);
    return false;
  }

  #hold({ traffic }: Peer): void {
    this.#stats.slowed++;
    traffic.held++;
  }

  #drain(peer: Peer): void {
    // A message that is refused is acknowledged within the call.
    if (peer.draining) return;
    peer.draining = true;
    while (peer.waiting.length > 0 && this.#mayGo(peer)) peer.waiting.shift()?.();
    peer.draining = false;
    if (peer.waiting.length === 0) this.#waiting.delete(peer);
  }

  #accept(peer: Peer, packet: PublishPacket, done: (error?: Error | null) => void): void {
    const isWill = packet.cmd !== 'publish';
    const { account, gateway } = peer;
    const { qos, topic } = packet;
    const payload = asBuffer(packet.payload);
    account.messages.take(1);
    account.bytes.take(payload.length + topic.length);
    const place = qos === 1 && !isWill ? peer.acks.hold((packet as PublishPacket & { messageId: number }).messageId) : -1;
    this.#underWay.begin();
    if (account.pending++ === 0) this.#busy++;
    const message = { topic, payload, gateway, transport: 'embedded', receivedAt: this.#options.clock() };
    this.#hand(message, (error) => {
      if (error === undefined) {
        if (place >= 0) peer.acks.release(place);
        else if (qos === 2 && !isWill) done();
      }
      if (--account.pending === 0) this.#busy--;
      this.#underWay.end();
      if (this.#waiting.size > 0) for (const other of account.peers) if (other.waiting.length > 0) this.#drain(other);
    });
    if (isWill) {
      done();
      return;
    }
    if (qos === 1) (packet as AedesPublishPacket & { qos: 0 | 1 | 2 }).qos = 0;
    if (qos !== 2) done();
  }

  #hand(message: IngestMessage & { readonly gateway: string | null }, done: Done): void {
    const { pipeline, mayPublish, onTopic } = this.#options;
    const { gateway, topic } = message;
    if (gateway === null || mayPublish === undefined || mayPublish(gateway, topic)) {
      const handler = onTopic?.(topic) ?? null;
      if (handler === null) pipeline.accept(message, done);
      else handler(message, done);
      return;
    }
    this.#stats.publishesRefused++;
    const detail = `gateway ${gateway} may not publish to ${topic}`;
    if (pipeline.acceptDecoded === undefined) done();
    else pipeline.acceptDecoded(message, { frames: [], statuses: [], refusals: [{ reason: 'gateway-not-allowed', detail, count: 1 }] }, done);
  }
}

const asBuffer = (payload: string | Buffer): Buffer => (typeof payload === 'string' ? Buffer.from(payload) : payload);
