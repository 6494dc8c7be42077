/** Why a row or a cell of a recording was not taken: a closed list, used in summaries and in docs/recordings.md. */
export const RECORDING_REASONS = {
  'bad-row': { of: 'row', meaning: 'the line breaks the rules of CSV, e.g. by a quote in the middle of a cell' },
  'cell-count': { of: 'row', meaning: 'the row has more or fewer cells than the header' },
  'bad-time': { of: 'row', meaning: 'the time does not fit the format, or no calendar has it' },
  'time-not-in-zone': { of: 'row', meaning: 'the wall clock of the zone never showed this time' },
  'time-too-old': { of: 'row', meaning: 'the time is before the year 2000' },
  'time-in-future': { of: 'row', meaning: 'the time is still to come' },
  'unknown-meter': { of: 'row', meaning: 'the row names a meter that the mapping or the registry does not know' },
  'not-a-number': { of: 'cell', meaning: 'the cell is neither a number nor one of the values for missing' },
  'not-in-order': { of: 'cell', meaning: 'the column is summed up over time, and the row is not later than the one before it' },
  'not-finite': { of: 'cell', meaning: 'the number is too large to be represented' },
} as const satisfies Readonly<Record<string, { readonly of: 'row' | 'cell'; readonly meaning: string }>>;

export type RecordingReason = keyof typeof RECORDING_REASONS;

/** One row or cell that was refused. Lines count from 1, the header's included. */
export interface Rejection {
  readonly file: string;
  readonly line: number;
  /** null where the row as a whole is refused. */
  readonly column: string | null;
  readonly reason: RecordingReason;
  readonly detail: string;
}

export const describeRejection = ({ file, line, column, reason, detail }: Rejection): string =>
  `${file}:${line}${column === null ? '' : `, column "${column}"`}: ${reason}: ${detail}`;

/** Counts as they are kept over runs. */
export interface SavedCounts {
  readonly rows: number;
  readonly rowsTaken: number;
  readonly rowsEmpty: number;
  readonly rowsRefused: number;
  readonly readings: number;
  readonly missing: number;
  readonly cellsRefused: number;
  readonly refused: Readonly<Record<string, number>>;
}

/** What reading a recording came to. `rows = rowsTaken + rowsEmpty + rowsRefused`. */
export class RecordingCounts {
  /** Rows of data, without header, comments and blank lines. */
  rows = 0;
  /** At least one value was taken. */
  rowsTaken = 0;
  /** No value in it, and nothing wrong with it as a row. */
  rowsEmpty = 0;
  rowsRefused = 0;
  /** Values handed on. */
  readings = 0;
  /** Cells that stand for "no value". */
  missing = 0;
  /** Cells refused; a row in which nothing else is left counts as refused too. */
  cellsRefused = 0;
  readonly refused = new Map<RecordingReason, number>();

  /** Goes on from what an earlier reading of the same file came to. */
  static from({ refused, ...numbers }: SavedCounts): RecordingCounts {
    const counts = Object.assign(new RecordingCounts(), numbers);
    // Written by `save`.
    for (const [reason, count] of Object.entries(refused)) counts.refused.set(reason as RecordingReason, count);
    return counts;
  }

  save(): SavedCounts {
    const { refused, ...numbers } = this;
    return { ...numbers, refused: Object.fromEntries(refused) };
  }

  refuse(reason: RecordingReason): void {
    this.refused.set(reason, (this.refused.get(reason) ?? 0) + 1);
    if (RECORDING_REASONS[reason].of === 'row') this.rowsRefused++;
    else this.cellsRefused++;
  }
}
