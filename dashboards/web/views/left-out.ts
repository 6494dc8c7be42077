import { LEFT_OUT_KINDS, type LeftOutKind } from '../../../model/ingest.ts';
import type { LeftOutJson } from '../rest.ts';
import { quantityName } from './meters.ts';
import type { Reader } from './reader.ts';

/** One line; a line below a cell is null where there is nothing to say. */
interface LeftOutRow {
  readonly key: string;
  /** The name in the message, the meter or the topic. */
  readonly subject: string;
  /** What its meter is known by: not registered, never stored, last stored. */
  readonly standing: string | null;
  /** A registered meter of which nothing was ever stored. */
  readonly isLost: boolean;
  readonly suggested: string | null;
  /** Where a name was last seen. */
  readonly source: string | null;
  readonly mapping: string;
  readonly park: string;
  readonly count: string;
  readonly seen: string;
  readonly sample: string;
}

/** All of a kind, with what is to be done about it. */
interface LeftOutGroup {
  readonly kind: LeftOutKind;
  readonly title: string;
  readonly advice: string;
  /** Somebody has to decide; of the others it is enough that they can be looked up. */
  readonly isOpen: boolean;
  readonly rows: readonly LeftOutRow[];
}

/** Lines of a kind that are shown at first, so that what stands below is near. */
export const FIRST = 8;

/** What is known and has no value now is seldom anybody's mistake. */
const OPEN: ReadonlySet<LeftOutKind> = new Set(['nothing-mapped', 'not-taken', 'not-mapped']);

/** By kind, that which needs somebody first, in them meters of which nothing was ever stored; kinds of which there is nothing are left out. */
export function leftOutGroups(items: readonly LeftOutJson[], reader: Pick<Reader, 'text' | 'format' | 'language'>): LeftOutGroup[] {
  const { text } = reader;
  return LEFT_OUT_KINDS.map((kind) => ({
    kind,
    title: text(`leftout.kind.${kind}`),
    advice: text(`leftout.advice.${kind}`),
    isOpen: OPEN.has(kind),
    rows: items
      .filter((one) => one.kind === kind)
      .map((one) => rowOf(one, reader))
      .sort((a, b) => Number(b.isLost) - Number(a.isLost)),
  })).filter(({ rows }) => rows.length > 0);
}

function rowOf(one: LeftOutJson, { text, format, language }: Pick<Reader, 'text' | 'format' | 'language'>): LeftOutRow {
  const subject = one.name ?? one.meter ?? one.topic;
  const ofMeter = one.name === null && one.meter !== null;
  return {
    key: [one.park ?? '', one.mapping, one.kind, subject].join(' '),
    subject,
    standing: ofMeter ? standingOf(one, { text, format }) : null,
    isLost: ofMeter && one.isRegistered === true && one.lastReading === null,
    suggested: one.suggested === null ? null : text('leftout.suggested', { quantity: `${quantityName(language, one.suggested)} (${one.suggested})` }),
    source: one.name === null ? null : (one.meter ?? one.topic),
    mapping: one.mapping,
    park: one.park ?? text('leftout.nobody'),
    count: format.number(one.count, 0),
    seen: format.full(Date.parse(one.lastSeen)),
    sample: one.sample,
  };
}

function standingOf({ isRegistered, lastReading }: LeftOutJson, { text, format }: Pick<Reader, 'text' | 'format'>): string {
  if (isRegistered !== true) return text('leftout.unregistered');
  return lastReading === null ? text('leftout.never') : text('leftout.stored', { time: format.full(Date.parse(lastReading)) });
}
