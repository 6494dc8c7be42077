import { createReadStream } from 'node:fs';
import { open, stat } from 'node:fs/promises';
import { basename } from 'node:path';
import { pipeline, type Readable, Transform, type TransformCallback } from 'node:stream';
import { TextDecoder } from 'node:util';
import { createGunzip } from 'node:zlib';
import { parse } from 'csv-parse';
import { GreenparkError } from '../../model/errors.ts';
import { LineFilter } from './lines.ts';
import type { Mapping } from './mapping.ts';

/** One record of the file. Lines count from 1. */
export interface CsvRow {
  readonly line: number;
  readonly cells: readonly string[];
}

/**
 * The file's records, from plain or gzipped CSV (told by its first bytes) in the mapping's encoding; a byte-order mark is taken off
 * and wins over the encoding named. Lines that break the rules of CSV go to `onBad`, ahead of the rows around them. Rejects INPUT_INVALID for a file that is not
 * there, cannot be unpacked or ends early.
 */
export async function* csvRows(
  file: string,
  format: Mapping['file'],
  watch: { onBad(line: number, detail: string): void; onBytes?: ((read: number, of: number) => void) | undefined },
): AsyncGenerator<CsvRow> {
  const { gzipped, size } = await look(file);
  const source = createReadStream(file);
  source.on('data', () => watch.onBytes?.(source.bytesRead, size));
  const parser = parse({
    info: true,
    delimiter: format.delimiter,
    quote: format.quote,
    relax_column_count: true,
    skip_empty_lines: true,
  });
  const lines = new LineFilter(format, watch.onBad);
  const stages: [Readable, ...Transform[]] = gzipped
    ? [source, createGunzip(), decoder(format.encoding, lines), parser]
    : [source, decoder(format.encoding, lines), parser];
  pipeline(stages, () => {
    // The iteration below throws the error.
  });
  let line = 0;
  try {
    for await (const { record, info } of parser as AsyncIterable<{ record: string[]; info: { lines: number } }>) {
      line = info.lines;
      yield { line, cells: record };
    }
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new GreenparkError('INPUT_INVALID', `${basename(file)} cannot be read beyond line ${line}: ${why}`, { cause });
  } finally {
    source.destroy();
  }
}

async function look(file: string): Promise<{ readonly gzipped: boolean; readonly size: number }> {
  try {
    const { size } = await stat(file);
    const handle = await open(file);
    try {
      const { buffer, bytesRead } = await handle.read(Buffer.alloc(2), 0, 2, 0);
      return { gzipped: bytesRead === 2 && buffer[0] === 0x1f && buffer[1] === 0x8b, size };
    } finally {
      await handle.close();
    }
  } catch (cause) {
    throw new GreenparkError('INPUT_INVALID', `${file} cannot be read: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
  }
}

/** Bytes to text. What is not valid in the encoding becomes U+FFFD, so that one bad byte costs its cell and not the file. */
function decoder(encoding: string, lines: LineFilter): Transform {
  let text: TextDecoder | null = null;
  let head: Buffer = Buffer.alloc(0);
  const begin = (): string => {
    const named = head[0] === 0xff && head[1] === 0xfe ? 'utf-16le' : head[0] === 0xef && head[1] === 0xbb && head[2] === 0xbf ? 'utf-8' : encoding;
    text = new TextDecoder(named);
    return text.decode(head, { stream: true });
  };
  return new Transform({
    transform(chunk: Buffer, _encoding, done: TransformCallback) {
      let decoded = '';
      if (text !== null) decoded = text.decode(chunk, { stream: true });
      else {
        head = Buffer.concat([head, chunk]);
        if (head.length >= 3) decoded = begin();
      }
      try {
        done(null, lines.push(decoded));
      } catch (error) {
        done(error instanceof Error ? error : new Error(String(error)));
      }
    },
    flush(done: TransformCallback) {
      const decoded = (text === null ? begin() : '') + (text?.decode() ?? '');
      done(null, lines.push(decoded) + lines.end());
    },
  });
}
