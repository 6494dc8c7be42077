import type { SparkplugLink } from '../../model/gateway-link.ts';
import type { EpochMs } from '../../model/ids.ts';
import type { DecodedStatus } from '../codecs/decoded.ts';
import type { Key64, Metric } from '../codecs/sparkplug/metric.ts';
import type { SparkplugPayload } from '../codecs/sparkplug/payload.ts';
import { quote } from '../wording.ts';
import type { FrameBuilder } from './frames.ts';
import { type Destination, destinationOf, type LinkedGateway } from './links.ts';
import { SequenceCheck } from './sequence.ts';

/** Longest metric name that is remembered. */
const LONGEST_NAME = 256;

/** What a birth said of a metric. */
interface Definition {
  readonly name: string;
  readonly datatype: number;
  /** Null until it is asked for, and again when the link changed. */
  to: Destination | null;
}

/** What one node's births may take of the memory. */
export interface NodeLimits {
  readonly devices: number;
  /** Of the node and its devices together. */
  readonly metrics: number;
}

/** The node itself, or one device of it: what its birth described. */
export class Scope {
  readonly node: NodeSession;
  /** Null for the node itself. */
  readonly device: string | null;
  born = false;
  bornAt: EpochMs = 0;
  online = false;
  since: EpochMs = 0;
  readonly #byName = new Map<string, Definition>();
  /** Null for an alias that its birth gave to two metrics. */
  readonly #byAlias = new Map<Key64, Definition | null>();
  readonly #meters = new Set<string>();

  constructor(node: NodeSession, device: string | null) {
    this.node = node;
    this.device = device;
  }

  get metrics(): number {
    return this.#byName.size;
  }

  /** Meters that the last birth named. */
  get meters(): Iterable<string> {
    if (this.#meters.size === 0 && this.device !== null) {
      const to = this.#resolve('', 1);
      if (to.kind === 'taken') this.#meters.add(to.meter);
    }
    return this.#meters;
  }

  become(online: boolean, at: EpochMs): void {
    if (this.online !== online || this.since === 0) this.since = at;
    this.online = online;
  }

  forget(): void {
    this.born = false;
    this.node.metrics -= this.#byName.size;
    this.#byName.clear();
    this.#byAlias.clear();
  }

  /** Answers the meters whose state is not what this scope last said of them: those that it has no more, and those that it has now. */
  relink(): DecodedStatus[] {
    const before = new Set(this.#meters);
    this.#meters.clear();
    for (const definition of this.#byName.values()) {
      definition.to = this.#resolve(definition.name, definition.datatype);
      if (definition.to.kind === 'taken') this.#meters.add(definition.to.meter);
    }
    if (!this.online) return [];
    const dropped = [...before].filter((meter) => !this.#meters.has(meter)).map((meter) => ({ meter, online: false }));
    const added = [...this.#meters].filter((meter) => !before.has(meter)).map((meter) => ({ meter, online: true }));
    return [...dropped, ...added];
  }

  /** The scope begins anew with a birth's metrics, which are values of now as well. */
  beBorn({ metrics }: SparkplugPayload, frames: FrameBuilder): void {
    this.forget();
    this.#meters.clear();
    this.born = true;
    let beyond = 0;
    for (const metric of metrics) {
      const { name } = metric;
      if (name === null || name.length > LONGEST_NAME) {
        frames.refuse(
          'not-sparkplug',
          name === null ? 'a metric of a birth has no name' : `a metric's name has ${name.length} characters; ${LONGEST_NAME} are taken`,
        );
        continue;
      }
      const to = this.#resolve(name, metric.datatype);
      if (this.node.mayRemember()) this.#define(metric, name, to);
      else beyond++;
      if (to.kind === 'taken') this.#meters.add(to.meter);
      frames.take(metric, name, metric.datatype, to);
    }
    if (beyond > 0) frames.refuse('too-large', `the births of node ${quote(this.node.node)} describe too many metrics; ${beyond} were not remembered`, beyond);
  }

  /** Metrics of a data message. Answers how many no birth has described. */
  take({ metrics }: SparkplugPayload, frames: FrameBuilder): number {
    let unknown = 0;
    let nameless: Metric | null = null;
    let count = 0;
    for (const metric of metrics) {
      const definition = this.#definitionOf(metric);
      if (definition !== undefined && definition !== null) {
        definition.to ??= this.#resolve(definition.name, definition.datatype);
        frames.take(metric, definition.name, metric.datatype === 0 ? definition.datatype : metric.datatype, definition.to);
        continue;
      }
      unknown++;
      if (metric.name === null) {
        nameless ??= metric;
        count++;
      } else if (metric.name.length <= LONGEST_NAME) {
        frames.take(metric, metric.name, metric.datatype, this.#resolve(metric.name, metric.datatype));
      } else frames.refuse('not-sparkplug', `a metric's name has ${metric.name.length} characters; ${LONGEST_NAME} are taken`);
    }
    if (nameless !== null) frames.refuse('no-birth', this.#stranger(nameless), count);
    return unknown;
  }

  #definitionOf({ name, alias }: Metric): Definition | null | undefined {
    if (name !== null) return this.#byName.get(name);
    return alias === null ? undefined : this.#byAlias.get(alias);
  }

  #define(metric: Metric, name: string, to: Destination): void {
    const definition = { name, datatype: metric.datatype, to };
    if (!this.#byName.has(name)) this.node.metrics++;
    this.#byName.set(name, definition);
    const { alias } = metric;
    if (alias === null) return;
    const twin = this.#byAlias.get(alias);
    this.#byAlias.set(alias, twin !== undefined && twin?.name !== name ? null : definition);
  }

  #resolve(name: string, datatype: number): Destination {
    const { link, node } = this.node;
    return destinationOf(link, node, this.device, name, datatype);
  }

  #stranger({ alias }: Metric): string {
    const who = this.device === null ? `node ${quote(this.node.node)}` : `device ${quote(this.device)} of node ${quote(this.node.node)}`;
    if (alias === null) return `a metric of ${who} has neither name nor alias`;
    return this.#byAlias.get(alias) === null
      ? `alias ${alias} of ${who} stands for two metrics in its birth`
      : `alias ${alias} of ${who} is in no birth that was heard`;
  }
}

/** What is known of one edge node since its last birth. */
export class NodeSession {
  readonly group: string;
  readonly node: string;
  readonly own: Scope;
  readonly devices = new Map<string, Scope>();
  readonly sequence = new SequenceCheck();
  bdSeq: Key64 | null = null;
  lastHeard: EpochMs = 0;
  /** Since it was asked for its births: who is silent is not asked again. */
  heardSinceAsked = false;
  rebirthAskedAt: EpochMs | null = null;
  /** Remembered of the node and its devices together. */
  metrics = 0;
  linked: LinkedGateway | null = null;
  /** States that a change of the link made, and nobody was told. */
  readonly untold: DecodedStatus[] = [];
  /** Meters that were online when the host lost touch, and of which nothing was heard since. */
  readonly unsure = new Set<string>();
  /** Devices that were online before the last birth of the node and have not been born behind it. */
  readonly awaited = new Set<Scope>();
  #limits: NodeLimits;

  constructor(group: string, node: string, limits: NodeLimits) {
    this.group = group;
    this.node = node;
    this.#limits = limits;
    this.own = new Scope(this, null);
  }

  get link(): SparkplugLink | null {
    return this.linked?.link ?? null;
  }

  /** The registry changed: metrics may go elsewhere now. */
  relink(linked: LinkedGateway | null, limits: NodeLimits): void {
    this.linked = linked;
    this.#limits = limits;
    for (const scope of [this.own, ...this.devices.values()]) this.untold.push(...scope.relink());
  }

  /** Nothing is known of it until it is born again: messages of it may have been missed. */
  lose(at: EpochMs): void {
    for (const scope of [this.own, ...this.devices.values()]) {
      if (scope.online) for (const meter of scope.meters) this.unsure.add(meter);
      scope.forget();
      scope.become(false, at);
    }
    this.awaited.clear();
    this.bdSeq = null;
    this.rebirthAskedAt = null;
  }

  /** Null where the node has more devices than are remembered. */
  device(name: string): Scope | null {
    const known = this.devices.get(name);
    if (known !== undefined) return known;
    if (this.devices.size >= this.#limits.devices) return null;
    const scope = new Scope(this, name);
    this.devices.set(name, scope);
    return scope;
  }

  mayRemember(): boolean {
    return this.metrics < this.#limits.metrics;
  }
}
