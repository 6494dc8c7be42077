import { basename } from 'node:path';
import type { Fault } from '../../model/errors.ts';
import type { EpochMs } from '../../model/ids.ts';
import { invalid } from '../../model/schema.ts';
import { YEAR_2000 } from '../time-fits.ts';
import type { RecordingCounts, RecordingReason, Rejection } from './counts.ts';
import type { FilePosition, OnBytes } from './file-lines.ts';
import type { ColumnUse, Mapping } from './mapping.ts';
import { csvBlocks } from './rows.ts';
import { Timeline } from './timeline.ts';

/** Values of one meter at one time, in the catalogue's units (or as the meter sends them, where the mapping names no unit). */
export interface RecordedFrame {
  readonly line: number;
  readonly ts: EpochMs;
  readonly meter: string;
  readonly values: Readonly<Record<string, number>>;
}

export interface RecordingInput {
  readonly file: string;
  readonly mapping: Mapping;
  readonly counts: RecordingCounts;
  /** Rows later than this are refused; default: none are. */
  readonly newest?: EpochMs;
  /** Why a meter that a row names cannot be used, or null when it can. Default: all can. */
  readonly meterFault?: (meter: string) => string | null;
  /** Registers of accumulated columns, to go on from in a further pass over the same file. */
  readonly registers?: Map<string, number>;
  /** Where an earlier reading of the same lines by the same mapping came to; what lies before is not read again. */
  readonly from?: ReadingState | undefined;
  readonly onReject: (rejection: Rejection) => void;
  readonly onBytes?: OnBytes;
  /** Awaited now and then, when everything before the state has been yielded and counted. False ends the reading. */
  readonly onState?: (state: () => ReadingState) => Promise<boolean>;
}

/** All that the rows read so far mean for those that follow. It can be kept as JSON. */
export interface ReadingState {
  readonly position: FilePosition;
  readonly header: readonly string[];
  /** Rows of data, refused ones included. */
  readonly rows: number;
  /** Of accumulated columns, by meter and quantity. */
  readonly registers: Readonly<Record<string, number>>;
  /** The times that they stand for. */
  readonly summedTo: Readonly<Record<string, EpochMs>>;
  /** The last time of each meter on the wall clock; see Timeline. */
  readonly lastTimes: Readonly<Record<string, EpochMs>>;
}

/**
 * Reads a recording row by row; each item is what one row gives, one frame per meter. What is refused goes to `onReject` with
 * line, column and why, and the rest goes on. Rejects INPUT_INVALID where header and mapping do not fit, or the file cannot be read.
 */
export async function* readRecording(input: RecordingInput): AsyncGenerator<readonly RecordedFrame[]> {
  const { file, mapping, counts, from, onReject } = input;
  const name = basename(file);
  const refuse = (line: number, column: string | null, reason: RecordingReason, detail: string): void => {
    counts.refuse(reason);
    onReject({ file: name, line, column, reason, detail });
  };
  let reader = from === undefined ? null : new RowReader(input, from.header, refuse);
  /** Lines that were given up and have no place in time yet. */
  const bad: number[] = [];
  for await (const block of csvBlocks(file, mapping.file, from?.position ?? null, input.onBytes)) {
    for (const { line, detail } of block.bad) {
      counts.rows++;
      bad.push(line);
      refuse(line, null, 'bad-row', detail);
    }
    for (const { line, cells } of block.rows) {
      if (reader === null) {
        const header = mapping.file.header ? cells.map((cell) => cell.trim()) : cells.map((_, index) => String(index + 1));
        reader = new RowReader(input, header, refuse);
        if (mapping.file.header) continue;
      }
      while ((bad[0] ?? Number.POSITIVE_INFINITY) < line) {
        bad.shift();
        reader.skip();
      }
      const frames = reader.take(line, cells);
      if (frames.length > 0) yield frames;
    }
    if (reader === null) continue;
    for (const _ of bad.splice(0)) reader.skip();
    const { state } = reader;
    if (input.onState !== undefined && !(await input.onState(() => ({ position: block.position(), ...state() })))) return;
  }
  if (reader === null) throw invalid(`recording ${name}`, [{ path: '', message: 'there is no header, the file is empty' }]);
}

/** Columns of one meter, or of the meter that the row names. */
interface Group {
  readonly meter: string | null;
  readonly cells: readonly { readonly at: number; readonly use: ColumnUse }[];
}

/** What stays the same from row to row. */
class RowReader {
  readonly #input: RecordingInput;
  readonly #refuse: (line: number, column: string | null, reason: RecordingReason, detail: string) => void;
  readonly #timeline: Timeline;
  readonly #timeAt: readonly number[];
  readonly #meterAt: number;
  readonly #groups: readonly Group[];
  readonly #width: number;
  readonly #registers: Map<string, number>;
  /** Of this pass over the file. */
  readonly #summedTo: Map<string, EpochMs>;
  readonly #header: readonly string[];
  #rows: number;

  constructor(
    input: RecordingInput,
    header: readonly string[],
    refuse: (line: number, column: string | null, reason: RecordingReason, detail: string) => void,
  ) {
    const { mapping, from } = input;
    this.#input = input;
    this.#refuse = refuse;
    this.#timeline = new Timeline(mapping.time, from?.lastTimes);
    this.#registers = input.registers ?? new Map(Object.entries(from?.registers ?? {}));
    this.#summedTo = new Map(Object.entries(from?.summedTo ?? {}));
    this.#rows = from?.rows ?? 0;
    this.#header = header;
    this.#width = header.length;
    const faults: Fault[] = [];
    const place = (column: string, path: string): number => {
      const at = header.indexOf(column);
      if (at < 0) faults.push({ path, message: `there is no column "${column}" in the file; its columns are ${header.map((one) => `"${one}"`).join(', ')}` });
      return at;
    };
    this.#timeAt = mapping.time.from === 'columns' ? mapping.time.columns.map((column) => place(column, 'time.columns')) : [];
    this.#meterAt = mapping.meterColumn === null ? -1 : place(mapping.meterColumn.column, 'meterColumn.column');
    const groups = new Map<string | null, { at: number; use: ColumnUse }[]>();
    for (const use of mapping.uses) {
      const cell = { at: place(use.column, `columns.${use.column}`), use };
      const group = groups.get(use.meter);
      if (group === undefined) groups.set(use.meter, [cell]);
      else group.push(cell);
    }
    this.#groups = [...groups].map(([meter, cells]) => ({ meter, cells }));
    for (const [index, column] of mapping.ignored.entries()) place(column, `ignored[${index}]`);
    const named = new Set([...mapping.uses.map((use) => use.column), ...mapping.ignored, mapping.meterColumn?.column, ...this.#timeAt.map((at) => header[at])]);
    for (const [index, column] of header.entries()) {
      if (!named.has(column)) faults.push({ path: 'columns', message: `column "${column}" of the file is not used; name it under "ignored" if that is meant` });
      if (header.indexOf(column) !== index) faults.push({ path: 'columns', message: `column "${column}" stands twice in the file` });
    }
    if (faults.length > 0) throw invalid(`mapping ${mapping.name} for ${basename(input.file)}`, faults);
  }

  /** A row that is no CSV: without a time column it takes its place in time all the same. */
  skip(): void {
    this.#rows++;
  }

  readonly state = (): Omit<ReadingState, 'position'> => ({
    header: this.#header,
    rows: this.#rows,
    registers: Object.fromEntries(this.#registers),
    summedTo: Object.fromEntries(this.#summedTo),
    lastTimes: this.#timeline.lastTimes(),
  });

  take(line: number, cells: readonly string[]): readonly RecordedFrame[] {
    const { counts } = this.#input;
    counts.rows++;
    const row = this.#rows++;
    if (cells.length !== this.#width) {
      this.#refuse(line, null, 'cell-count', `${cells.length} cells; expected ${this.#width}`);
      return [];
    }
    const meter = this.#meterOf(line, cells);
    if (meter === null) return [];
    const ts = this.#timeOf(row, line, cells, meter);
    if (ts === null) return [];
    const frames: RecordedFrame[] = [];
    const faultsBefore = counts.cellsRefused;
    for (const group of this.#groups) this.#takeGroup(group, group.meter ?? meter, line, ts, cells, frames);
    if (frames.length > 0) counts.rowsTaken++;
    else if (counts.cellsRefused === faultsBefore) counts.rowsEmpty++;
    else counts.rowsRefused++;
    return frames;
  }

  #takeGroup(group: Group, meter: string, line: number, ts: EpochMs, cells: readonly string[], frames: RecordedFrame[]): void {
    const { counts, mapping } = this.#input;
    const values: Record<string, number> = {};
    let zeroes: Record<string, number> | null = null;
    let taken = 0;
    for (const { at, use } of group.cells) {
      const value = this.#valueOf(use, (cells[at] as string).trim(), line);
      if (value === null) continue;
      if (use.accumulate) {
        const key = `${meter} ${use.quantity}`;
        const summedTo = this.#summedTo.get(key);
        if (summedTo !== undefined && ts <= summedTo) {
          const detail = `${new Date(ts).toISOString()} is not later than ${new Date(summedTo).toISOString()}, up to which ${use.quantity} is summed up`;
          this.#refuse(line, use.column, 'not-in-order', detail);
          continue;
        }
        this.#summedTo.set(key, ts);
        const register = this.#registers.get(key);
        if (register === undefined) {
          zeroes ??= {};
          zeroes[use.quantity] = 0;
          counts.readings++;
        }
        values[use.quantity] = (register ?? 0) + value;
        this.#registers.set(key, (register ?? 0) + value);
      } else values[use.quantity] = value;
      taken++;
    }
    if (taken === 0) return;
    counts.readings += taken;
    if (zeroes !== null) frames.push({ line, ts: ts - (mapping.intervalMs ?? 0), meter, values: zeroes });
    frames.push({ line, ts, meter, values });
  }

  #meterOf(line: number, cells: readonly string[]): string | null {
    const { mapping, meterFault } = this.#input;
    if (mapping.meterColumn === null) return '';
    const { column, ids } = mapping.meterColumn;
    const cell = (cells[this.#meterAt] as string).trim();
    const meter = ids === null ? cell : ids.get(cell);
    const fault = meter === undefined ? `the mapping has no meter for ${JSON.stringify(cell)}` : (meterFault?.(meter) ?? null);
    if (meter !== undefined && fault === null) return meter;
    this.#refuse(line, column, 'unknown-meter', fault ?? '');
    return null;
  }

  #timeOf(row: number, line: number, cells: readonly string[], meter: string): EpochMs | null {
    const { mapping, newest } = this.#input;
    const text = this.#timeAt.map((at) => (cells[at] as string).trim()).join(' ');
    const columns = mapping.time.from === 'columns' ? mapping.time.columns.join(' ') : null;
    const ts = this.#timeline.timeOf(row, text, meter);
    if (typeof ts !== 'number') this.#refuse(line, columns, ts.reason, ts.detail);
    else if (ts < YEAR_2000) this.#refuse(line, columns, 'time-too-old', `${new Date(ts).toISOString()} is before the year 2000`);
    else if (newest !== undefined && ts > newest) this.#refuse(line, columns, 'time-in-future', `${new Date(ts).toISOString()} is still to come`);
    else return ts;
    return null;
  }

  /** The value of a cell, null where there is none. */
  #valueOf(use: ColumnUse, cell: string, line: number): number | null {
    const { counts, mapping } = this.#input;
    if (use.missing.text(cell)) {
      counts.missing++;
      return null;
    }
    const raw = use.words?.get(cell) ?? numberOf(cell, mapping.file.decimal);
    if (raw === null) {
      this.#refuse(line, use.column, 'not-a-number', `${JSON.stringify(cell.slice(0, 64))} is not a number`);
      return null;
    }
    if (use.missing.number(raw)) {
      counts.missing++;
      return null;
    }
    const value = (raw * use.scale + use.offset) * use.factor + use.shift;
    if (Number.isFinite(value)) return value;
    this.#refuse(line, use.column, 'not-finite', `${cell.slice(0, 64)} is too large to be represented`);
    return null;
  }
}

const NUMBER = { '.': /^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/, ',': /^[+-]?(\d+,?\d*|,\d+)([eE][+-]?\d+)?$/ };

function numberOf(cell: string, decimal: '.' | ','): number | null {
  if (!NUMBER[decimal].test(cell)) return null;
  return Number(decimal === ',' ? cell.replace(',', '.') : cell);
}
