import type { Logger } from 'pino';
import type { DecodedIntake, Done, IngestMessage, MeterStatus } from '../port.ts';
import type { StageTimes } from '../stage-times.ts';
import type { Command, SparkplugSessions } from './sessions.ts';

export interface SparkplugIntakeParts {
  readonly sessions: SparkplugSessions;
  readonly pipeline: DecodedIntake;
  /** Sends to the node, at QoS 0 and not retained; what does not arrive is asked for again later. */
  send(command: Command): void;
  /** A meter is gone, though no message said so. */
  onStatus?: ((status: MeterStatus) => void) | undefined;
  readonly stages?: StageTimes | undefined;
  readonly logger: Logger;
}

/** Between whoever holds the connection to the nodes and the pipeline: sessions, readings, and the commands that the nodes are owed. */
export class SparkplugIntake {
  readonly #parts: SparkplugIntakeParts;

  constructor(parts: SparkplugIntakeParts) {
    this.#parts = parts;
  }

  /** A message of the namespace `spBv1.0`. `done` is called when all of it is durable, as for any other message. */
  take(message: IngestMessage, done: Done): void {
    const { sessions, pipeline, stages } = this.#parts;
    stages?.begin();
    const { isReport, decoded, gateway, commands } = sessions.take(message);
    if (isReport) stages?.lap('decode');
    this.#send(commands);
    if (!isReport) {
      done();
      return;
    }
    pipeline.acceptDecoded({ ...message, gateway }, decoded, (error) => done(error));
  }

  /** To be called about once a second. */
  tick(now: number): void {
    this.#send(this.#parts.sessions.due(now));
    for (const status of this.#parts.sessions.gone(now)) this.#parts.onStatus?.(status);
  }

  #send(commands: readonly Command[]): void {
    for (const command of commands) {
      this.#parts.logger.info({ topic: command.topic }, 'asks a Sparkplug node for its births');
      this.#parts.send(command);
    }
  }
}
