/**
 * Why a message, or a part of one, was refused: a closed list, used in dead letters, in the metric's label and in docs/mqtt.md.
 * Each stands with the stage of the pipeline that refuses and a sentence for people.
 */
export const REJECT_REASONS = {
  'too-large': { stage: 'transport', meaning: 'the payload is larger than the service takes' },
  'wrong-topic': { stage: 'transport', meaning: 'the topic is not one of the contract' },
  'not-utf8': { stage: 'codec', meaning: 'the payload is not UTF-8 text' },
  'not-json': { stage: 'codec', meaning: 'the payload is not JSON' },
  'wrong-shape': { stage: 'codec', meaning: 'the JSON is not a reading, an array of readings or an object of values; in HJ 212, a part is no name=value' },
  empty: { stage: 'codec', meaning: 'there is no reading in the message' },
  'unknown-key': { stage: 'codec', meaning: 'a key beside "ts", "values" and "backfill"; what stands beside it is kept' },
  'repeated-key': { stage: 'codec', meaning: 'the same key twice in one object, so that its value is uncertain' },
  'mapping-failed': { stage: 'codec', meaning: 'the mapping of the topic fails on the message; the detail says which expression and where' },
  'no-meter': { stage: 'codec', meaning: 'the mapping of the topic finds no meter in the message' },
  'retained-without-time': { stage: 'codec', meaning: 'a retained message without a time of measurement: nobody knows how old it is' },
  'not-sparkplug': { stage: 'codec', meaning: 'the message, or a metric in it, is not formed as Sparkplug B says' },
  'no-birth': { stage: 'codec', meaning: 'data of a Sparkplug metric that no birth message has described; a new birth was asked for' },
  'wrong-length': { stage: 'codec', meaning: 'an HJ 212 frame with a wrong length, or none' },
  'wrong-crc': { stage: 'codec', meaning: 'an HJ 212 frame with a wrong CRC, or none' },
  'unknown-gateway': { stage: 'transport', meaning: 'no registered gateway has the number that the sender shows' },
  'wrong-password': { stage: 'transport', meaning: "the password in the message is not the gateway's" },
  'unknown-command': { stage: 'codec', meaning: 'a message of a kind that is not taken' },
  'packets-missing': { stage: 'codec', meaning: 'some packets of a message that was split did not come' },
  encrypted: { stage: 'codec', meaning: 'the values are encrypted, and the service has no key, or one that does not fit' },
  'unknown-meter': { stage: 'look-up', meaning: 'no such meter is registered' },
  'wrong-park': { stage: 'look-up', meaning: 'the meter belongs to another park than the topic says' },
  'gateway-not-allowed': { stage: 'look-up', meaning: 'the gateway may not publish for this meter' },
  'unknown-quantity': { stage: 'look-up', meaning: 'no such quantity is in the catalogue' },
  'unknown-unit': { stage: 'look-up', meaning: "the meter's unit for this quantity cannot be converted" },
  'bad-time': { stage: 'validation', meaning: 'the time is not UTC milliseconds as an integer' },
  'time-too-old': { stage: 'validation', meaning: 'the time is before the year 2000' },
  'time-in-future': { stage: 'validation', meaning: 'the time is further in the future than the allowed clock skew' },
  'not-a-number': { stage: 'validation', meaning: 'the value is not a JSON number' },
  'not-finite': { stage: 'validation', meaning: 'the number is too large to be represented' },
  'store-refused': { stage: 'store', meaning: 'the store will never take this reading' },
  'internal-error': { stage: 'codec', meaning: 'the service failed on this message; the log says more' },
} as const satisfies Readonly<Record<string, { readonly stage: Stage; readonly meaning: string }>>;

export type Stage = 'transport' | 'codec' | 'look-up' | 'validation' | 'store';
export type RejectReason = keyof typeof REJECT_REASONS;
export const REASONS = Object.keys(REJECT_REASONS) as readonly RejectReason[];
