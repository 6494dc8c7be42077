import Type from 'typebox';
import type { EpochMs } from '../../model/ids.ts';
import { checkOf } from '../../model/schema.ts';
import type { SavedCounts } from './counts.ts';
import type { ReadingState } from './read.ts';

/** How far an import has come, with what it came to until then: all that a further run needs to go on. It is kept as JSON. */
export interface ImportProgress {
  /** SHA-256 of the mapping's text. */
  readonly mapping: string;
  readonly park: string;
  /** When the end of the file was reached; null while something is left. */
  readonly finishedAt: EpochMs | null;
  readonly reading: ReadingState;
  readonly counts: SavedCounts;
  readonly outcome: { readonly stored: number; readonly duplicates: number; readonly flagged: number; readonly refusedByPipeline: number };
  /** The last reading handed on: a store that does not have it is not the one that this progress was made in. */
  readonly witness: { readonly meter: string; readonly quantity: string; readonly ts: EpochMs } | null;
  readonly rejects: RejectsMark | null;
}

/** A list of refusals, as long as it was. */
export interface RejectsMark {
  readonly file: string;
  readonly bytes: number;
}

/** An object that has these keys and no others. */
const exactly = (properties: Parameters<typeof Type.Object>[0]) => Type.Object(properties, { additionalProperties: false });
const [text, number, numbers, nothing] = [Type.String(), Type.Number(), Type.Record(Type.String(), Type.Number()), Type.Null()];

const check = checkOf(
  exactly({
    mapping: text,
    park: text,
    finishedAt: Type.Union([number, nothing]),
    reading: exactly({
      position: exactly({ bytes: number, sha256: text, lines: number, lineEnded: Type.Boolean(), encoding: text }),
      header: Type.Array(text),
      rows: number,
      registers: numbers,
      summedTo: numbers,
      lastTimes: numbers,
    }),
    counts: exactly({
      ...{ rows: number, rowsTaken: number, rowsEmpty: number, rowsRefused: number },
      ...{ readings: number, missing: number, cellsRefused: number, refused: numbers },
    }),
    outcome: exactly({ stored: number, duplicates: number, flagged: number, refusedByPipeline: number }),
    witness: Type.Union([exactly({ meter: text, quantity: text, ts: number }), nothing]),
    rejects: Type.Union([exactly({ file: text, bytes: number }), nothing]),
  }),
);

/** Null for what another version has written otherwise. */
export function readProgress(json: string): ImportProgress | null {
  const value: unknown = JSON.parse(json);
  return check(value).length === 0 ? (value as ImportProgress) : null;
}
