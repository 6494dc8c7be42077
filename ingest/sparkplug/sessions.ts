import type { EpochMs, MeterId } from '../../model/ids.ts';
import type { Decoded, DecodedStatus } from '../codecs/decoded.ts';
import { FIELD, type Key64, key64 } from '../codecs/sparkplug/metric.ts';
import { readPayload, rebirthCommand, type SparkplugPayload } from '../codecs/sparkplug/payload.ts';
import { type NodeTopic, nodeCommandTopic, readTopic } from '../codecs/sparkplug/topics.ts';
import type { MeterStatus } from '../port.ts';
import type { RejectReason } from '../reject-reasons.ts';
import { quote } from '../wording.ts';
import { FrameBuilder } from './frames.ts';
import { type LinkedGateway, nodeKey, type SparkplugDirectory, SparkplugLinks } from './links.ts';
import { type NodeLimits, NodeSession, type Scope } from './node.ts';
import { emptyStats, type SparkplugStats } from './stats.ts';

/** A message that the host owes a node. QoS 0, not retained. */
export interface Command {
  readonly topic: string;
  readonly payload: Uint8Array;
}

export interface SparkplugMessage {
  readonly topic: string;
  readonly payload: Uint8Array;
  readonly receivedAt: EpochMs;
  /** The gateway that signed in, or null where another broker decides who may publish. */
  readonly gateway: string | null;
  readonly retained?: boolean;
}

/** What became of a message of the namespace. */
export interface Taken {
  /** False for what is said to others: commands, and the STATE of a host. */
  readonly isReport: boolean;
  readonly decoded: Decoded;
  /** The gateway whose meters alone may be written: that of the node's link, else the one that signed in. */
  readonly gateway: string | null;
  readonly commands: readonly Command[];
}

export interface SparkplugTimes {
  /** How long a message that is missing in the sequence may still come. */
  readonly reorderMs: number;
  /** A node is asked for its births at most this often. */
  readonly rebirthEveryMs: number;
  /** How long a node may take for its births when the host is back. */
  readonly returnMs: number;
}
export const DEFAULT_TIMES: SparkplugTimes = { reorderMs: 5_000, rebirthEveryMs: 30_000, returnMs: 30_000 };

/** Nodes that no gateway is linked with are remembered only so far: the one not heard for longest goes first. */
const MOST_STRANGERS = 256;
const STRANGER: NodeLimits = { devices: 100, metrics: 2_000 };
const LINKED: NodeLimits = { devices: 5_000, metrics: 50_000 };
const NOTHING: readonly Command[] = [];

/** How one node stands, for people. */
export interface NodeState {
  readonly group: string;
  readonly node: string;
  /** The gateway that is linked with it; null for a stranger. */
  readonly gateway: string | null;
  readonly online: boolean;
  readonly since: EpochMs;
  readonly lastHeard: EpochMs;
  readonly metrics: number;
  readonly devices: readonly { readonly device: string; readonly online: boolean; readonly since: EpochMs; readonly metrics: number }[];
}

/**
 * The host's side of Sparkplug B 3.0, without a connection: births, aliases, sequence and deaths of every edge node. What it is given
 * in, in order, comes out as readings, states and the commands that the nodes must be sent.
 */
export class SparkplugSessions {
  readonly stats: SparkplugStats = emptyStats();
  readonly #links: SparkplugLinks;
  readonly #times: SparkplugTimes;
  readonly #linkedOnly: boolean;
  readonly #nodes = new Map<string, NodeSession>();
  /** Least recently heard first. */
  readonly #strangers = new Set<string>();
  readonly #gaps = new Set<NodeSession>();

  /** @param linkedOnly on an external broker, nodes that no gateway's link names are another host's: they are passed over */
  constructor(directory: { readonly current: SparkplugDirectory }, times: Partial<SparkplugTimes> = {}, linkedOnly = false) {
    this.#links = new SparkplugLinks(directory);
    this.#times = { ...DEFAULT_TIMES, ...times };
    this.#linkedOnly = linkedOnly;
  }

  /** Never throws: what cannot be taken is refused with its reason. */
  take(message: SparkplugMessage): Taken {
    const topic = readTopic(message.topic);
    if (topic === null) {
      const form = 'spBv1.0/{group}/{type}/{node} or, for a device, spBv1.0/{group}/{type}/{node}/{device}';
      return refused(message.gateway, 'wrong-topic', `topic ${quote(message.topic)} is not one of Sparkplug B; expected ${form}`);
    }
    if (topic.kind === 'state') return toOthers(message.gateway);
    const linked = this.#links.of(topic.group, topic.node);
    if (this.#linkedOnly && linked === null && message.gateway === null) return toOthers(null);
    this.stats.messages[topic.type]++;
    if (topic.type === 'NCMD' || topic.type === 'DCMD') return toOthers(message.gateway);
    const gateway = linked?.gateway.id ?? message.gateway;
    if (message.gateway !== null && gateway !== message.gateway) {
      const detail = `gateway ${quote(message.gateway)} may not publish for node ${quote(nodeKey(topic.group, topic.node))}: it is another gateway's`;
      return refused(message.gateway, 'gateway-not-allowed', detail);
    }
    if (message.retained === true) {
      this.stats.retained++;
      return refused(gateway, 'not-sparkplug', `a ${topic.type} that the broker had kept: nobody knows how old it is; births and data must not be retained`);
    }
    let payload: SparkplugPayload;
    try {
      payload = readPayload(message.payload);
    } catch (error) {
      return refused(gateway, 'not-sparkplug', `the payload is no Sparkplug B message: ${(error as Error).message}`);
    }
    const session = this.#session(topic, linked, message.gateway);
    session.lastHeard = message.receivedAt;
    session.heardSinceAsked = true;
    const frames = new FrameBuilder(payload.timestamp, payload.refusals, this.stats);
    const statuses = session.untold.splice(0).filter(({ meter }) => this.#links.isRegistered(meter));
    this.#giveUpAwaited(session, message.receivedAt, statuses);
    const commands = this.#advance(session, topic, payload, message.receivedAt, frames, statuses);
    const understood = frames.refusals.length === 0 || !topic.type.endsWith('DATA');
    const decoded = { frames: frames.frames, refusals: frames.refusals, statuses, understood };
    return { isReport: true, decoded: linked === null ? decoded : { ...decoded, park: linked.gateway.park }, gateway, commands };
  }

  /**
   * The host was away: births, deaths and data may have been missed, so that neither an alias nor a state can be believed (Sparkplug B 3.0,
   * chapter 5: metrics are stale then, until the node's births are heard again).
   */
  lostTouch(now: EpochMs): void {
    for (const session of this.#nodes.values()) session.lose(now);
    this.#gaps.clear();
  }

  /** Asks every node that is linked for its births. */
  askAll(now: EpochMs): readonly Command[] {
    return [...this.#nodes.values()].flatMap((session) => (session.linked === null ? NOTHING : this.#ask(session, now)));
  }

  /** Nodes whose missing messages did not come in time are asked for their births. To be called about once a second. */
  due(now: EpochMs): readonly Command[] {
    if (this.#gaps.size === 0) return NOTHING;
    const commands: Command[] = [];
    for (const session of this.#gaps) {
      const { gapSince } = session.sequence;
      if (gapSince === null) this.#gaps.delete(session);
      else if ((now - gapSince >= this.#times.reorderMs || now < gapSince) && session.heardSinceAsked) {
        this.stats.messagesLost += session.sequence.giveUp();
        commands.push(...this.#ask(session, now));
      }
    }
    return commands;
  }

  /**
   * The host was away, has asked for the births, and these meters were in none: nobody can reach them. Told once. To be called about once a
   * second.
   */
  gone(now: EpochMs): readonly MeterStatus[] {
    const gone: MeterStatus[] = [];
    for (const { group, node, unsure, linked, rebirthAskedAt } of this.#nodes.values()) {
      if (unsure.size === 0 || linked === null || rebirthAskedAt === null) continue;
      // A clock that was set back does not keep them waiting for ever.
      if (now - rebirthAskedAt < this.#times.returnMs && now >= rebirthAskedAt) continue;
      // Whose meters they are after a change of the link is another node's to say.
      if (this.#links.of(group, node) !== linked) unsure.clear();
      const { id, park } = linked.gateway;
      for (const meter of unsure) if (this.#links.isRegistered(meter)) gone.push({ park, meter: meter as MeterId, gateway: id, online: false, at: now });
      unsure.clear();
    }
    return gone;
  }

  /**
   * What a message says that was refused once and is tried again: read by the births known now, without a trace in them. Data by alias
   * from before the last birth are refused, as the alias may have meant something else. Null for a topic outside the namespace.
   */
  again({ topic: text, payload: bytes, receivedAt }: Pick<SparkplugMessage, 'topic' | 'payload' | 'receivedAt'>): Decoded | null {
    const topic = readTopic(text);
    if (topic?.kind !== 'node' || topic.type.endsWith('CMD') || topic.type.endsWith('DEATH')) return topic === null ? null : UNDERSTOOD;
    let payload: SparkplugPayload;
    try {
      payload = readPayload(bytes);
    } catch (error) {
      return refused(null, 'not-sparkplug', `the payload is no Sparkplug B message: ${(error as Error).message}`).decoded;
    }
    const linked = this.#links.of(topic.group, topic.node);
    const known = this.#nodes.get(this.#keyOf(topic, linked, null));
    const frames = new FrameBuilder(payload.timestamp, payload.refusals, emptyStats());
    const born = topic.device === null ? known?.own : known?.devices.get(topic.device);
    const scope = known === undefined || Math.max(known.own.bornAt, born?.bornAt ?? 0) > receivedAt ? undefined : born;
    if (topic.type.endsWith('BIRTH') || scope === undefined) {
      const passing = new NodeSession(topic.group, topic.node, LINKED);
      passing.relink(linked, LINKED);
      const own = topic.device === null ? passing.own : passing.device(topic.device);
      if (topic.type.endsWith('BIRTH')) own?.beBorn(payload, frames);
      else own?.take(payload, frames);
    } else scope.take(payload, frames);
    const decoded = { frames: frames.frames, refusals: frames.refusals, statuses: [] };
    return linked === null ? decoded : { ...decoded, park: linked.gateway.park };
  }

  /** Every node that is remembered. */
  nodes(): readonly NodeState[] {
    return [...this.#nodes.values()].map((session) => ({
      group: session.group,
      node: session.node,
      gateway: session.linked?.gateway.id ?? null,
      online: session.own.online,
      since: session.own.since,
      lastHeard: session.lastHeard,
      metrics: session.metrics,
      devices: [...session.devices].map(([device, { online, since, metrics }]) => ({ device, online, since, metrics })),
    }));
  }

  #advance(
    session: NodeSession,
    topic: NodeTopic,
    payload: SparkplugPayload,
    now: EpochMs,
    frames: FrameBuilder,
    statuses: DecodedStatus[],
  ): readonly Command[] {
    switch (topic.type) {
      case 'NBIRTH':
        this.#nodeBirth(session, payload, now, frames, statuses);
        return NOTHING;
      case 'NDEATH':
        this.#nodeDeath(session, payload, now, statuses);
        return NOTHING;
      default:
    }
    const inOrder = session.own.born;
    if (inOrder) this.#follow(session, payload.seq, now);
    else this.stats.withoutBirth++;
    const scope = topic.device === null ? session.own : session.device(topic.device);
    if (scope === null) {
      frames.refuse('too-large', `node ${quote(topic.node)} has more than ${session.devices.size} devices; ${quote(topic.device ?? '')} is not taken`);
      return NOTHING;
    }
    if (topic.type === 'DDEATH') {
      this.#say(scope, false, now, statuses);
      scope.forget();
      session.awaited.delete(scope);
    } else if (topic.type === 'DBIRTH') {
      scope.beBorn(payload, frames);
      scope.bornAt = now;
      session.awaited.delete(scope);
      // Of a node that is not born itself it says nothing that lasts: its births are asked for.
      if (inOrder) this.#say(scope, true, now, statuses);
    } else {
      const isUnborn = inOrder && !scope.born;
      if (isUnborn) this.stats.withoutBirth++;
      const unknown = scope.take(payload, frames);
      if (isUnborn || unknown > 0) return this.#ask(session, now);
    }
    return inOrder ? NOTHING : this.#ask(session, now);
  }

  #nodeBirth(session: NodeSession, payload: SparkplugPayload, now: EpochMs, frames: FrameBuilder, statuses: DecodedStatus[]): void {
    const bdSeq = bdSeqOf(payload);
    const isSameSession = session.own.online && bdSeq !== null && bdSeq === session.bdSeq;
    session.bdSeq = bdSeq;
    session.own.bornAt = now;
    session.awaited.clear();
    session.sequence.start(payload.seq ?? 0);
    this.#gaps.delete(session);
    for (const [name, scope] of session.devices) {
      scope.forget();
      if (isSameSession) {
        if (scope.online) session.awaited.add(scope);
        continue;
      }
      // A new session without the death of the old one: its devices are away until their own births.
      if (scope.online) this.#say(scope, false, now, statuses);
      else session.devices.delete(name);
    }
    session.own.beBorn(payload, frames);
    this.#say(session.own, true, now, statuses);
  }

  #nodeDeath(session: NodeSession, payload: SparkplugPayload, now: EpochMs, statuses: DecodedStatus[]): void {
    if (bdSeqOf(payload) !== session.bdSeq) {
      this.stats.lateDeaths++;
      return;
    }
    this.#gaps.delete(session);
    session.awaited.clear();
    for (const scope of [session.own, ...session.devices.values()]) {
      if (scope.online) this.#say(scope, false, now, statuses);
      scope.forget();
    }
    session.bdSeq = null;
  }

  /** Devices that have not come back behind their node's birth are away. */
  #giveUpAwaited(session: NodeSession, now: EpochMs, statuses: DecodedStatus[]): void {
    if (session.awaited.size === 0 || (now - session.own.bornAt < this.#times.reorderMs && now >= session.own.bornAt)) return;
    for (const scope of session.awaited) this.#say(scope, false, now, statuses);
    session.awaited.clear();
  }

  #follow(session: NodeSession, seq: number | null, now: EpochMs): void {
    const wasWhole = session.sequence.gapSince === null;
    const place = session.sequence.take(seq, now);
    if (place === 'repeat') this.stats.repeats++;
    if (session.sequence.gapSince === null) this.#gaps.delete(session);
    else if (wasWhole) {
      this.stats.gaps++;
      this.#gaps.add(session);
    }
  }

  #ask(session: NodeSession, now: EpochMs): readonly Command[] {
    const asked = session.rebirthAskedAt;
    if (asked !== null && now - asked < this.#times.rebirthEveryMs && now >= asked) return NOTHING;
    session.rebirthAskedAt = now;
    session.heardSinceAsked = false;
    this.stats.rebirthsAsked++;
    return [{ topic: nodeCommandTopic(session.group, session.node), payload: rebirthCommand(now) }];
  }

  /** The state of a scope is that of its meters, as far as they are registered. */
  #say(scope: Scope, online: boolean, now: EpochMs, statuses: DecodedStatus[]): void {
    scope.become(online, now);
    for (const meter of scope.meters) {
      scope.node.unsure.delete(meter);
      if (this.#links.isRegistered(meter)) statuses.push({ meter, online });
    }
  }

  /** Two gateways cannot speak in one stranger's name: each that signed in has its own. */
  #keyOf(topic: NodeTopic, linked: LinkedGateway | null, signedIn: string | null): string {
    const key = nodeKey(topic.group, topic.node);
    return linked !== null || signedIn === null ? key : `${signedIn}/${key}`;
  }

  #session(topic: NodeTopic, linked: LinkedGateway | null, signedIn: string | null): NodeSession {
    const key = this.#keyOf(topic, linked, signedIn);
    const limits = linked === null ? STRANGER : LINKED;
    let session = this.#nodes.get(key);
    if (session === undefined) {
      session = new NodeSession(topic.group, topic.node, limits);
      this.#nodes.set(key, session);
    }
    if (session.linked !== linked) session.relink(linked, limits);
    this.#strangers.delete(key);
    if (linked === null) {
      this.#strangers.add(key);
      if (this.#strangers.size > MOST_STRANGERS) this.#forgetOldest();
    }
    return session;
  }

  #forgetOldest(): void {
    for (const key of this.#strangers) {
      this.#strangers.delete(key);
      const session = this.#nodes.get(key);
      this.#nodes.delete(key);
      if (session !== undefined) this.#gaps.delete(session);
      return;
    }
  }
}

const UNDERSTOOD: Decoded = { frames: [], refusals: [], statuses: [], understood: true };

const toOthers = (gateway: string | null): Taken => ({ isReport: false, decoded: UNDERSTOOD, gateway, commands: NOTHING });

const refused = (gateway: string | null, reason: RejectReason, detail: string): Taken => ({
  isReport: true,
  decoded: { frames: [], refusals: [{ reason, detail, count: 1 }], statuses: [] },
  gateway,
  commands: NOTHING,
});

function bdSeqOf({ metrics }: SparkplugPayload): Key64 | null {
  const metric = metrics.find(({ name }) => name === 'bdSeq');
  if (metric === undefined || metric.isNull) return null;
  if (metric.field === FIELD.long) return key64(metric.low, metric.high);
  return metric.field === FIELD.int ? metric.number : null;
}
