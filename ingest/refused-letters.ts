import type { Clock } from '../model/clock.ts';
import type { GreenparkError } from '../model/errors.ts';
import type { ParkId } from '../model/ids.ts';
import { quantityOfCode } from '../model/quantities.ts';
import type { ReadingBlock } from '../model/reading.ts';
import type { DeadLetterWriter } from './dead-letters.ts';
import type { MessageState } from './message-state.ts';
import type { IngestMessage, MeterDirectory } from './port.ts';
import type { IngestStats } from './stats.ts';

export interface RefusedLettersParts {
  readonly letters: Pick<DeadLetterWriter, 'post' | 'keep' | 'settle'>;
  readonly directory: { readonly current: MeterDirectory };
  readonly stats: IngestStats;
  readonly clock: Clock;
}

/** Makes dead letters of what is refused: a message, or a reading that the store will never take. Everything is counted, whether it gets a letter or not. */
export class RefusedLetters {
  readonly #parts: RefusedLettersParts;

  constructor(parts: RefusedLettersParts) {
    this.#parts = parts;
  }

  /** One letter per reason. Answers how many are to be waited for, with `settle`. */
  post(message: IngestMessage, state: MessageState): number {
    if (message.replayed === true) return 0;
    const { letters, stats } = this.#parts;
    const { receivedAt, transport, topic, gateway, payload } = message;
    const isRetained = message.retained === true;
    const park = this.#parkOf(gateway, state);
    const refusals = state.told();
    for (const { reason, count } of refusals) stats.rejects[reason] += count;
    return letters.post({ receivedAt, transport, topic, isRetained, gateway, payload, park, meter: state.meter }, refusals);
  }

  /** Calls back when every letter posted so far is durable. */
  settle(done: (error?: Error) => void): void {
    this.#parts.letters.settle(done);
  }

  /** A letter of what the reading was, in the catalogue's unit. Resolves when it is durable. */
  bury(row: ReadingBlock, error: GreenparkError): Promise<void> {
    const { letters, directory, stats, clock } = this.#parts;
    const meter = directory.current.meterOf(row.meter[0] as number);
    const { name, unit } = quantityOfCode(row.quantity[0] as number);
    const reading = { meter: meter?.id ?? row.meter[0], quantity: name, unit, ts: row.ts[0], value: row.value[0] };
    stats.rejects['store-refused']++;
    const message = {
      receivedAt: clock(),
      transport: 'store',
      isRetained: false,
      topic: meter === undefined ? '' : `parks/${meter.park}/meters/${meter.id}/readings`,
      gateway: meter?.gateway ?? null,
      park: meter?.park ?? null,
      meter: meter?.id ?? null,
      payload: Buffer.from(JSON.stringify(reading)),
    };
    const detail = `${name} was refused by the store: ${error.message}; the payload shows it after conversion to ${unit}`;
    letters.keep(message, [{ reason: 'store-refused', detail }]);
    return new Promise((resolve, reject) => {
      letters.settle((failure) => (failure === undefined ? resolve() : reject(failure)));
    });
  }

  /** Whose the message is: its meters' park, else that of the gateway that sent it; where none signed in, that of the mapping or link that takes it. */
  #parkOf(gateway: string | null, state: MessageState): ParkId | null {
    if (!state.isOfNone) return state.park;
    return gateway === null ? state.takenFor : (this.#parts.directory.current.gateway(gateway)?.park ?? null);
  }
}
