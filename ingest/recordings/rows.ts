import { parse } from 'csv-parse/sync';
import { type FilePosition, fileLines, type OnBytes } from './file-lines.ts';
import { type BadLine, LineFilter } from './lines.ts';
import type { Mapping } from './mapping.ts';

/** One record of the file. Lines count from 1. */
export interface CsvRow {
  readonly line: number;
  readonly cells: readonly string[];
}

/** What consecutive lines of the file hold. */
export interface CsvBlock {
  readonly rows: readonly CsvRow[];
  /** Lines that break the rules of CSV. */
  readonly bad: readonly BadLine[];
  /** Where the block ends. */
  position(): FilePosition;
}

/** The file's records behind `from`, block by block. Rejects INPUT_INVALID for a file that is not there, cannot be unpacked or ends early. */
export async function* csvBlocks(file: string, format: Mapping['file'], from: FilePosition | null, onBytes?: OnBytes): AsyncGenerator<CsvBlock> {
  const filter = new LineFilter(format);
  for await (const { text, before, position } of fileLines(file, format.encoding, from, onBytes)) {
    const { text: records, bad } = filter.filter(withoutStrayReturns(text), before);
    // Cells do not run over lines, so that each block can be parsed alone.
    const options = {
      info: true,
      delimiter: format.delimiter,
      quote: format.quote,
      record_delimiter: ['\r\n', '\n'],
      relax_column_count: true,
      skip_empty_lines: true,
    };
    // Its types do not know `info`.
    const parsed = parse(records, options) as unknown as readonly { readonly record: string[]; readonly info: { readonly lines: number } }[];
    yield { rows: parsed.map(({ record, info }) => ({ line: before + info.lines, cells: record })), bad, position };
  }
}

/**
 * A carriage return that ends no line, of a file that was converted twice (`\r\r\n`) or in the middle of a damaged one. The parser counts
 * it as a line of its own, so that all lines behind it would be called by a wrong number.
 */
function withoutStrayReturns(text: string): string {
  if (!/\r(?!\n)/.test(text)) return text;
  return text.replaceAll(/(?<!\r)\r+(?=\n|$)/g, '').replaceAll('\r', ' ');
}
