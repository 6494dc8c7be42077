import type { IClientOptions } from 'mqtt';
import type { Logger } from 'pino';
import type { Clock } from '../../model/clock.ts';
import { NAMESPACE, stateTopic } from '../codecs/sparkplug/topics.ts';
import type { DecodedIntake, MeterStatus } from '../port.ts';
import type { RetryPace } from '../retry.ts';
import { SparkplugIntake } from '../sparkplug/intake.ts';
import type { SparkplugDirectory } from '../sparkplug/links.ts';
import { SparkplugSessions, type SparkplugTimes } from '../sparkplug/sessions.ts';
import type { StageTimes } from '../stage-times.ts';
import { BrokerConnection, type ConnectionTold } from './broker-connection.ts';
import { UnderWay } from './under-way.ts';

export interface SparkplugHostOptions {
  /** `mqtt://host:1883`, `mqtts://…`, `ws://…`, `wss://…`. */
  readonly url: string;
  readonly username?: string | undefined;
  readonly password?: string | undefined;
  /** Name under which edge nodes know this host as their primary one. */
  readonly hostId: string;
  /** Must not be that of another connection to the broker. */
  readonly clientId: string;
  /** 5 (default), or 4 for brokers that know only MQTT 3.1.1. */
  readonly protocolVersion?: 4 | 5;
  /** Passed to mqtt.js as they are. */
  readonly tls?: Pick<IClientOptions, 'ca' | 'cert' | 'key' | 'rejectUnauthorized'>;
  readonly keepaliveSeconds?: number;
  /** Packets beyond it are never sent to us by an MQTT 5 broker, in bytes. */
  readonly maxPacketBytes?: number;
  readonly reconnect?: RetryPace;
  readonly times?: Partial<SparkplugTimes>;
  /** How long the pipeline may be full before the nodes are told that the host is offline, in milliseconds. Default 5000. */
  readonly pressureGraceMs?: number;
  /** How long to wait, until it was once done to the end, for the STATE that the broker may keep in this host's name, in milliseconds. Default 500. */
  readonly keptStateMs?: number;
  readonly pipeline: DecodedIntake;
  /** Of meters of which no message says it. */
  readonly onStatus?: (status: MeterStatus) => void;
  readonly stages?: StageTimes;
  readonly directory: { readonly current: SparkplugDirectory };
  /** Shared with the replay of dead letters; made here when absent. */
  readonly sessions?: SparkplugSessions;
  readonly clock: Clock;
  readonly logger: Logger;
}

const KEEPALIVE = 30;
const TICK_MS = 1000;
/** Longest wait for the broker's acknowledgement of the last STATE of a connection, in milliseconds. */
const FAREWELL_MS = 2000;

/**
 * Sparkplug B 3.0 host application on an external broker. Nodes send at QoS 0 and the host's session is clean, so nothing waits for it
 * in the broker: what protects readings is the host's STATE. It is online only while the pipeline takes readings; nodes that name this
 * host as their primary one keep theirs meanwhile. The will is the same STATE, offline.
 */
export class SparkplugHost {
  readonly sessions: SparkplugSessions;
  readonly #options: SparkplugHostOptions;
  readonly #topic: string;
  readonly #connection: BrokerConnection;
  readonly #intake: SparkplugIntake;
  readonly #underWay = new UnderWay();
  readonly #stopListening: () => void;
  readonly #ticking: NodeJS.Timeout;
  /** Of this connection's STATE and its will: nodes go by the newest. */
  #timestamp = 0;
  /** Newest timestamp that the broker kept of a STATE in this host's name. */
  #newestSeen = 0;
  /** This process has heard what the broker keeps in this host's name, or has waited for it to the end. */
  #knowsKept = false;
  #endWait: () => void = () => {};
  #isAnnounced = false;
  /** Offline was said on this connection, which is about to be made anew. */
  #isLeaving = false;
  #full = false;
  #patience: NodeJS.Timeout | null = null;
  #stopping = false;
  #stopped: Promise<void> | null = null;
  /** Times that the nodes were told to keep their data because the pipeline was full. */
  pauses = 0;
  /** Messages that came while stopping and could not be taken. */
  droppedAtStop = 0;

  constructor(options: SparkplugHostOptions) {
    this.#options = options;
    this.#topic = stateTopic(options.hostId);
    this.sessions = options.sessions ?? new SparkplugSessions(options.directory, options.times);
    this.#connection = new BrokerConnection({
      ...{ url: options.url, reconnect: options.reconnect, name: `Sparkplug host ${options.hostId}`, clock: options.clock, logger: options.logger },
      mqtt: { ...clientOptions(options), will: this.#nextWill() },
      take: (topic, payload, _packetId, isRetained) => this.#take(topic, payload, isRetained),
      beforeConnect: () => {
        this.#connection.client.options.will = this.#nextWill();
      },
      onConnected: () => this.#listen(),
      onOnline: () => {
        this.#announce();
        for (const { topic, payload } of this.sessions.askAll(options.clock())) this.#publish(topic, payload);
      },
      onClosed: () => {
        this.#endWait();
        this.#isLeaving = false;
        this.#isAnnounced = false;
        this.sessions.lostTouch(options.clock());
      },
    });
    this.#intake = new SparkplugIntake({
      sessions: this.sessions,
      pipeline: options.pipeline,
      stages: options.stages,
      onStatus: options.onStatus,
      send: ({ topic, payload }) => this.#publish(topic, payload),
      logger: options.logger,
    });
    this.#full = options.pipeline.full;
    this.#stopListening = options.pipeline.onPressure((full) => this.#onPressure(full));
    this.#ticking = setInterval(() => this.#intake.tick(options.clock()), Math.min(TICK_MS, options.times?.reorderMs ?? TICK_MS)).unref();
  }

  /** How the connection stands, and whether the nodes were told that this host takes their data. */
  get state(): ConnectionTold & { readonly announced: boolean } {
    return { ...this.#connection.told, announced: this.#isAnnounced };
  }

  /** Connections made so far, the first included. */
  get connects(): number {
    return this.#connection.connects;
  }

  /** Resolves when the STATE is online; rejects `BROKER_UNREACHABLE` after `withinMs`. */
  online(withinMs: number): Promise<void> {
    return this.#connection.until(() => this.#isAnnounced, withinMs, 'Sparkplug host');
  }

  /**
   * Tells the nodes that the host is offline, takes what still comes while there is room, waits at most `graceMs` until what was taken is
   * committed, and disconnects. May be called twice.
   */
  stop(graceMs = 10_000): Promise<void> {
    this.#stopped ??= this.#stop(graceMs);
    return this.#stopped;
  }

  async #stop(graceMs: number): Promise<void> {
    this.#stopping = true;
    this.#stopListening();
    clearInterval(this.#ticking);
    this.#endPatience();
    this.#connection.beginEnd();
    this.#connection.goOn();
    const deadline = Date.now() + graceMs;
    if (this.#connection.client.connected) await this.#farewell(Math.min(graceMs, FAREWELL_MS));
    await this.#underWay.none(Math.max(0, deadline - Date.now()));
    await this.#connection.end();
  }

  /** The broker's acknowledgement of the last STATE is waited for, but not for ever. */
  async #farewell(withinMs: number): Promise<void> {
    this.#isAnnounced = false;
    // The clock may have been set back since; the end is never older than what nodes have heard.
    const timestamp = Math.max(this.#options.clock(), this.#timestamp, this.#newestSeen);
    let timer: NodeJS.Timeout | undefined;
    const patience = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, withinMs);
    });
    await Promise.race([this.#publishState(false, timestamp).catch((error: Error) => this.#connection.fault(error)), patience]);
    clearTimeout(timer);
  }

  /**
   * To the whole namespace, which the own STATE is part of. EMQX brings retained messages some time after its SUBACK: said before it, the first
   * STATE of this process would take the place of the one kept, which may be of a clock that ran ahead, and nodes would pass over ours as older.
   */
  async #listen(): Promise<void> {
    await this.#connection.subscribe([`${NAMESPACE}/#`], { qos: 1 });
    if (!this.#knowsKept) await this.#waitForKept();
    if (this.#newestSeen >= this.#timestamp) throw this.#isOutdated();
  }

  /** Ends as well when the connection does; the next one waits again then. */
  #waitForKept(): Promise<void> {
    return new Promise((resolve) => {
      const patience = setTimeout(() => {
        this.#knowsKept = true;
        resolve();
      }, this.#options.keptStateMs ?? 500).unref();
      this.#endWait = () => {
        clearTimeout(patience);
        resolve();
      };
    });
  }

  #take(topic: string, payload: Buffer, isRetained: boolean): boolean {
    if (topic === this.#topic) {
      this.#knowsKept ||= isRetained;
      if (isRetained) this.#endWait();
      this.#onOwnState(payload, isRetained);
      return true;
    }
    const { pipeline, clock } = this.#options;
    if (pipeline.full) {
      if (this.#stopping) this.droppedAtStop++;
      return this.#stopping;
    }
    this.#underWay.begin();
    this.#intake.take({ topic, payload, gateway: null, transport: 'sparkplug', receivedAt: clock(), retained: isRetained }, () => this.#underWay.end());
    return true;
  }

  /**
   * The nodes are told with the timestamp of this connection, which is not older than any they saw: so the same connection can say online
   * again, and its will stays the newest word there is.
   */
  #onPressure(full: boolean): void {
    this.#full = full;
    if (full) {
      this.#patience ??= setTimeout(() => {
        this.#patience = null;
        this.#announce();
      }, this.#options.pressureGraceMs ?? 5000).unref();
      return;
    }
    this.#endPatience();
    this.#connection.goOn();
    this.#announce();
  }

  #endPatience(): void {
    if (this.#patience !== null) clearTimeout(this.#patience);
    this.#patience = null;
  }

  /** Makes the STATE what it should be. */
  #announce(): void {
    const online = !this.#full;
    if (this.#stopping || this.#isLeaving || !this.#connection.isOnline || this.#isAnnounced === online) return;
    this.#isAnnounced = online;
    if (!online) {
      this.pauses++;
      this.#options.logger.warn({ host: this.#options.hostId }, 'too much is not committed yet: Sparkplug nodes are told to keep their data');
    }
    // Not waited for: while the socket is not read, its acknowledgement is not either.
    this.#publishState(online, this.#timestamp).catch((error: Error) => this.#connection.fault(error));
  }

  /**
   * A word of an earlier connection came late (its will, or a STATE that mqtt.js sent again), so that the broker now keeps it: ours is told
   * once more. Or somebody spoke in this host's name with a later time than ours.
   */
  #onOwnState(payload: Buffer, isRetained: boolean): void {
    const said = readState(payload);
    if (said === null) return;
    if (said.timestamp > this.#timestamp && Number.isSafeInteger(said.timestamp + 1)) {
      this.#newestSeen = Math.max(this.#newestSeen, said.timestamp);
      // One that is not online yet is made anew by #listen.
      if (isRetained && this.#connection.isOnline) void this.#startOver();
      return;
    }
    if (this.#isAnnounced && !isRetained && (!said.online || said.timestamp < this.#timestamp)) {
      this.#publishState(true, this.#timestamp).catch((error: Error) => this.#connection.fault(error));
    }
  }

  /**
   * Nodes pass over what is older than they know: the next connection is newer, and so is its will. That of this one must not be sent, as it would
   * take the place of the newer word. Offline is said instead, as new as that, so that the broker keeps the truth should this process end here.
   */
  async #startOver(): Promise<void> {
    if (this.#stopping || this.#isLeaving) return;
    this.#isLeaving = true;
    await this.#farewell(FAREWELL_MS);
    if (this.#isLeaving && !this.#stopping) this.#connection.startOver(this.#isOutdated());
  }

  #isOutdated(): Error {
    return new Error(`the broker keeps a STATE of host ${this.#options.hostId} that is newer than this one's; it is told again`);
  }

  #nextWill(): NonNullable<IClientOptions['will']> {
    this.#timestamp = Math.max(this.#options.clock(), this.#timestamp + 1, this.#newestSeen + 1);
    return { topic: this.#topic, payload: stateOf(false, this.#timestamp), qos: 1, retain: true };
  }

  async #publishState(online: boolean, timestamp: number): Promise<void> {
    await this.#connection.client.publishAsync(this.#topic, stateOf(online, timestamp), { qos: 1, retain: true });
  }

  #publish(topic: string, payload: Uint8Array): void {
    if (!this.#connection.client.connected) return;
    this.#connection.client.publish(topic, Buffer.from(payload), { qos: 0 }, (error) => {
      if (error != null) this.#connection.fault(error);
    });
  }
}

const stateOf = (online: boolean, timestamp: number): Buffer => Buffer.from(JSON.stringify({ online, timestamp }));

function readState(payload: Buffer): { readonly online: boolean; readonly timestamp: number } | null {
  if (payload.length > 1024) return null;
  try {
    const said = JSON.parse(payload.toString('utf8')) as { online?: unknown; timestamp?: unknown } | null;
    return typeof said?.online === 'boolean' && typeof said.timestamp === 'number' ? { online: said.online, timestamp: said.timestamp } : null;
  } catch {
    // Somebody else's form, as that of Sparkplug 2.2 (ONLINE, OFFLINE); it says nothing of ours.
    return null;
  }
}

function clientOptions(options: SparkplugHostOptions): IClientOptions & { readonly keepalive: number } {
  const version = options.protocolVersion ?? 5;
  return {
    ...options.tls,
    clientId: options.clientId,
    clean: true,
    protocolVersion: version,
    keepalive: options.keepaliveSeconds ?? KEEPALIVE,
    // A command or STATE of an earlier connection must not go out on a later one.
    queueQoSZero: false,
    ...(options.username === undefined ? {} : { username: options.username }),
    ...(options.password === undefined ? {} : { password: options.password }),
    ...(version === 4 ? {} : { properties: { sessionExpiryInterval: 0, maximumPacketSize: options.maxPacketBytes ?? 16 << 20 } }),
  };
}
