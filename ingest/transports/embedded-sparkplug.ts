import type { Logger } from 'pino';
import type { Clock } from '../../model/clock.ts';
import { NAMESPACE, stateTopic } from '../codecs/sparkplug/topics.ts';
import type { DecodedIntake, Done, IngestMessage } from '../port.ts';
import { SparkplugIntake } from '../sparkplug/intake.ts';
import type { SparkplugSessions } from '../sparkplug/sessions.ts';
import type { StageTimes } from '../stage-times.ts';
import type { EmbeddedBroker } from './embedded-broker.ts';

export interface EmbeddedSparkplugOptions {
  /** Name under which edge nodes know this host as their primary one. */
  readonly hostId: string;
  readonly broker: Pick<EmbeddedBroker, 'publish'>;
  readonly sessions: SparkplugSessions;
  readonly pipeline: DecodedIntake;
  readonly stages?: StageTimes;
  /** How long the pipeline may be full before the nodes are told that the host is offline, in milliseconds. Default 5000. */
  readonly pressureGraceMs?: number;
  readonly clock: Clock;
  readonly logger: Logger;
}

const TICK_MS = 1000;

/** Sparkplug B host application inside the embedded broker: what nodes publish comes to it directly, commands and STATE leave by the broker. */
export class EmbeddedSparkplug {
  readonly #options: EmbeddedSparkplugOptions;
  readonly #intake: SparkplugIntake;
  readonly #ticking: NodeJS.Timeout;
  readonly #stopListening: () => void;
  #patience: NodeJS.Timeout | undefined;
  /** What the nodes were told last, and its time: they pass over what is older than they know. */
  #online = false;
  #timestamp = 0;

  private constructor(options: EmbeddedSparkplugOptions) {
    const { broker, sessions, pipeline, clock, logger, stages } = options;
    this.#options = options;
    this.#intake = new SparkplugIntake({
      ...{ sessions, pipeline, stages },
      send: ({ topic, payload }) =>
        void broker.publish(topic, payload).catch((error: unknown) => logger.warn({ err: error, topic }, 'a Sparkplug command was not sent')),
      logger,
    });
    this.#ticking = setInterval(() => this.#intake.tick(clock()), TICK_MS).unref();
    this.#stopListening = pipeline.onPressure((full) => this.#onPressure(full));
  }

  /** Tells the nodes that the host takes their data. */
  static async start(options: EmbeddedSparkplugOptions): Promise<EmbeddedSparkplug> {
    const host = new EmbeddedSparkplug(options);
    await host.#publishState(true);
    return host;
  }

  /** Takes the topic's messages; null for a topic outside the namespace. */
  handlerOf(topic: string): ((message: IngestMessage, done: Done) => void) | null {
    return topic.startsWith(PREFIX) ? this.#take : null;
  }

  readonly #take = (message: IngestMessage, done: Done): void => this.#intake.take(message, done);

  /** Tells the nodes to keep their data. */
  async stop(): Promise<void> {
    this.#stopListening();
    clearTimeout(this.#patience);
    clearInterval(this.#ticking);
    await this.#publishState(false);
  }

  /** While the pipeline is full the broker leaves messages in their sockets: a node that knows keeps its data where they are safer. */
  #onPressure(full: boolean): void {
    clearTimeout(this.#patience);
    if (full) this.#patience = setTimeout(() => this.#announce(false), this.#options.pressureGraceMs ?? 5000).unref();
    else this.#announce(true);
  }

  #announce(online: boolean): void {
    if (this.#online === online) return;
    const { logger, hostId } = this.#options;
    if (!online) logger.warn({ host: hostId }, 'too much is not committed yet: Sparkplug nodes are told to keep their data');
    this.#publishState(online).catch((error: unknown) => logger.warn({ err: error }, 'the STATE of the Sparkplug host was not published'));
  }

  #publishState(online: boolean): Promise<void> {
    const { broker, hostId, clock } = this.#options;
    this.#online = online;
    this.#timestamp = Math.max(this.#timestamp, clock());
    return broker.publish(stateTopic(hostId), JSON.stringify({ online, timestamp: this.#timestamp }), { retain: true });
  }
}

const PREFIX = `${NAMESPACE}/`;
