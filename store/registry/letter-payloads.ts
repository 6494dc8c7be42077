import type { DeadLetter, DeadLetterRecords, WholeDeadLetter } from './port.ts';

/** Payloads that are in memory at once, in bytes; one that is longer comes alone. */
const BYTES_AT_ONCE = 4 << 20;

/** The letters with their bytes, which are read a few MiB at a time. One that has gone meanwhile is left out. */
export async function* wholeLetters(records: Pick<DeadLetterRecords, 'payloads'>, letters: readonly DeadLetter[]): AsyncGenerator<WholeDeadLetter> {
  for (let from = 0; from < letters.length; ) {
    let to = from + 1;
    for (let bytes = (letters[from] as DeadLetter).keptLength; to < letters.length; to++) {
      bytes += (letters[to] as DeadLetter).keptLength;
      if (bytes > BYTES_AT_ONCE) break;
    }
    const some = letters.slice(from, to);
    const payloads = await records.payloads(some.map(({ id }) => id));
    for (const letter of some) {
      const payload = payloads.get(letter.id);
      if (payload !== undefined) yield { ...letter, payload };
    }
    from = to;
  }
}
