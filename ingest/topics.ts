import { ID_PATTERN } from '../model/ids.ts';

/** The topics of the native contract: `parks/{park}/meters/{meter}/readings` and `…/status`. */
export interface NativeTopic {
  readonly park: string;
  readonly meter: string;
  readonly leaf: 'readings' | 'status';
}

const ID = new RegExp(ID_PATTERN);

/** Takes a topic apart; a sentence that says what is wrong with it otherwise. */
export function parseTopic(topic: string): NativeTopic | string {
  if (topic.length > 300) return `topic is ${topic.length} characters long; ${EXPECTED}`;
  const parts = topic.split('/');
  const [parks, park = '', meters, meter = '', leaf] = parts;
  if (parts.length !== 5 || parks !== 'parks' || meters !== 'meters') return `topic "${topic}" is not of the contract; ${EXPECTED}`;
  if (leaf !== 'readings' && leaf !== 'status') return `topic "${topic}" ends in "${leaf ?? ''}"; ${EXPECTED}`;
  if (!ID.test(park)) return `topic "${topic}" has no valid park id; ${EXPECTED}`;
  if (!ID.test(meter)) return `topic "${topic}" has no valid meter id; ${EXPECTED}`;
  // Not `leaf` itself, which would be a string of its own for each topic that is remembered.
  return { park, meter, leaf: leaf === 'readings' ? 'readings' : 'status' };
}

const EXPECTED = 'expected parks/{park}/meters/{meter}/readings or …/status';
