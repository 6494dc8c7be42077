/** Field of the protobuf message `Metric` that holds the value. */
export const FIELD = { none: 0, int: 10, long: 11, float: 12, double: 13, boolean: 14, string: 15, bytes: 16, dataset: 17, template: 18 } as const;

/** An unsigned 64-bit number as a key: itself where a JavaScript number holds it exactly, else a text of its two halves. */
export type Key64 = number | string;

/** One metric as it stands in a payload, before a birth says what it means. */
export interface Metric {
  name: string | null;
  alias: Key64 | null;
  /** UTC milliseconds; null takes the payload's. */
  timestamp: number | null;
  /** Number of the datatype; 0 where the message does not say it, as data after a birth may. */
  datatype: number;
  isHistorical: boolean;
  isNull: boolean;
  /** Value of the property `Quality`; null without one. */
  quality: number | null;
  /** One of FIELD. */
  field: number;
  /** Of an int (unsigned, 32 bits), float, double or boolean field. */
  number: number;
  /** Halves of a long field. */
  low: number;
  high: number;
  text: string;
}

export const emptyMetric = (): Metric => ({
  name: null,
  alias: null,
  timestamp: null,
  datatype: 0,
  isHistorical: false,
  isNull: false,
  quality: null,
  field: FIELD.none,
  number: 0,
  low: 0,
  high: 0,
  text: '',
});

const TWO_32 = 2 ** 32;

export function key64(low: number, high: number): Key64 {
  const top = high >>> 0;
  return top < 2 ** 21 ? top * TWO_32 + (low >>> 0) : `${top}:${low >>> 0}`;
}

/** Nearest double of an unsigned 64-bit number; exact up to 2^53. */
export const unsigned64 = (low: number, high: number): number => (high >>> 0) * TWO_32 + (low >>> 0);
/** Nearest double of a two's complement of 64 bits; exact from -2^53 to 2^53. */
export const signed64 = (low: number, high: number): number => (high | 0) * TWO_32 + (low >>> 0);
