import { wordFor } from '../i18n/text.ts';
import type { IngestStateJson } from '../rest.ts';
import type { Reader } from './reader.ts';

type Viewer = Pick<Reader, 'text' | 'format'>;

/** Something that waits, and at how much of it senders are held back. */
export interface QueueRow {
  readonly name: string;
  readonly waiting: string;
  readonly bound: string | null;
}

/** What waits, in the order in which it is passed; the spool where there is one. */
export function queueRows({ pending, bounds, spool }: IngestStateJson, { text, format }: Viewer): QueueRow[] {
  const count = (value: number) => format.number(value, 0);
  const bound = (value: number) => text('pipeline.bound', { count: count(value) });
  return [
    { name: text('pipeline.decoding'), waiting: count(pending.decoding), bound: null },
    { name: text('pipeline.messages'), waiting: count(pending.messages), bound: bound(bounds.messages) },
    { name: text('pipeline.readings'), waiting: count(pending.readings), bound: bound(bounds.readings) },
    { name: text('pipeline.deadletters'), waiting: count(pending.deadLetters), bound: null },
    ...(spool === null
      ? []
      : [
          {
            name: text('pipeline.spool'),
            waiting: count(spool.readings),
            bound: text('pipeline.spool.bytes', { used: megabytes(spool.bytes, format), limit: megabytes(spool.limitBytes, format) }),
          },
        ]),
  ];
}

export interface StageRow {
  readonly stage: string;
  readonly name: string;
  readonly perMinute: string;
  /** What one message or reading took. */
  readonly each: string;
  readonly busy: string;
}

export function stageRows({ stages }: IngestStateJson, { text, format }: Viewer): StageRow[] {
  return stages.map(({ stage, itemsPerMinute, busy }) => ({
    stage,
    name: text(`pipeline.stage.${stage}`),
    perMinute: format.number(itemsPerMinute, itemsPerMinute > 0 && itemsPerMinute < 10 ? 1 : 0),
    each: itemsPerMinute === 0 ? '–' : duration((busy * 60) / itemsPerMinute, format),
    busy: format.share(busy),
  }));
}

export interface CountRow {
  readonly key: string;
  readonly name: string;
  readonly count: string;
}

/** Where the words of each group of counts stand. */
const WORDS = {
  messages: 'ingest.label',
  readings: 'ingest.label',
  flagged: 'quality',
  rejects: 'ingest.reason',
  retries: 'ingest.label',
} as const;

/** What has ended since the start. What never happened says nothing, one line each. */
export function countRows({ messages, readings, flagged, rejects, retries }: IngestStateJson, { text, format }: Viewer): CountRow[] {
  const rows = (of: keyof typeof WORDS, counts: Readonly<Record<string, number>>): CountRow[] =>
    Object.entries(counts)
      .filter(([, count]) => count > 0)
      .map(([key, count]) => ({
        key: `${of} ${key}`,
        name: `${text(`ingest.counts.${of}`)} · ${wordFor(text, WORDS[of], key)}`,
        count: format.number(count, 0),
      }));
  return [...rows('messages', messages), ...rows('readings', readings), ...rows('flagged', flagged), ...rows('rejects', rejects), ...rows('retries', retries)];
}

/** How long the oldest message waits, in words; `isLong` where somebody should look. */
export function oldestWait(
  { oldestUnacknowledgedSeconds: seconds }: IngestStateJson,
  { text, format }: Viewer,
): { readonly text: string; readonly isLong: boolean } {
  if (seconds === 0) return { text: text('pipeline.oldest.none'), isLong: false };
  return { text: text('pipeline.oldest', { time: duration(seconds, format) }), isLong: seconds >= LONG_SECONDS };
}

/** A store that answers takes far less. */
const LONG_SECONDS = 10;

/** In the unit that needs no zeros. */
function duration(seconds: number, format: Viewer['format']): string {
  if (seconds < 0.001) return format.withUnit(seconds * 1e6, 'µs');
  if (seconds < 1) return format.withUnit(seconds * 1000, 'ms');
  return seconds < 120 ? format.withUnit(seconds, 's') : format.withUnit(seconds / 60, 'min');
}

const megabytes = (bytes: number, format: Viewer['format']): string => format.withUnit(bytes / (1 << 20), 'MB');
