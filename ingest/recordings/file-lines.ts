import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { open, stat } from 'node:fs/promises';
import { basename } from 'node:path';
import { pipeline, type Readable } from 'node:stream';
import { TextDecoder } from 'node:util';
import { createGunzip } from 'node:zlib';
import { GreenparkError } from '../../model/errors.ts';

/** Longest line taken, in bytes. */
const LONGEST = 1 << 20;
/** Bytes that are read at once. */
const CHUNK = 1 << 16;

/** How far a file was read, in whole lines, and what stood there: so that it is known again. */
export interface FilePosition {
  /** Bytes before it, of the unpacked file. */
  readonly bytes: number;
  /** SHA-256 of those bytes, in hex. */
  readonly sha256: string;
  readonly lines: number;
  /** False where the file ended without a line break. */
  readonly lineEnded: boolean;
  readonly encoding: string;
}

/** Consecutive lines of a file. */
export interface LineBlock {
  readonly text: string;
  /** Lines of the file before it. */
  readonly before: number;
  /** Its end. */
  position(): FilePosition;
}

export type OnBytes = (read: number, of: number) => void;

/**
 * The file's lines as text, in blocks, from plain or gzipped text (told by its first bytes). A byte-order mark is taken off and wins
 * over `encoding`; what is not valid in it becomes U+FFFD, so that one bad byte costs its cell and not the file. What is before `from`
 * is passed over; see `compareTo`.
 */
export async function* fileLines(file: string, encoding: string, from: FilePosition | null, onBytes?: OnBytes): AsyncGenerator<LineBlock> {
  const hash = createHash('sha256');
  let bytes = 0;
  let lines = from?.lines ?? 0;
  let decoder = from === null ? null : decoderOf(from.encoding);
  let rest: Buffer = Buffer.alloc(0);
  const block = (raw: Buffer, lineEnded: boolean): LineBlock => {
    const known = decoder ?? decoderOf(encodingOf(raw, encoding));
    decoder = known;
    const begins = bytes === 0;
    bytes += raw.length;
    hash.update(raw);
    const decoded = known.decode(raw);
    const text = begins && decoded.startsWith('\ufeff') ? decoded.slice(1) : decoded;
    const before = lines;
    lines += lineBreaksIn(text);
    const reached = { bytes, lines, lineEnded, encoding: known.encoding };
    return { text, before, position: () => ({ ...reached, sha256: hash.copy().digest('hex') }) };
  };
  for await (const chunk of unpacked(file, () => `line ${lines}`, onBytes)) {
    const toPass = Math.min(chunk.length, Math.max(0, (from?.bytes ?? 0) - bytes));
    if (toPass > 0) {
      hash.update(chunk.subarray(0, toPass));
      bytes += toPass;
    }
    rest = Buffer.concat([rest, chunk.subarray(toPass)]);
    const end = endOfLines(rest, decoder?.encoding ?? encodingOf(rest, encoding));
    if (end > 0) yield block(rest.subarray(0, end), true);
    rest = rest.subarray(end);
    if (rest.length > LONGEST) throw new GreenparkError('INPUT_INVALID', `${basename(file)}: line ${lines + 1} is longer than ${LONGEST} bytes`);
  }
  if (rest.length > 0) yield block(rest, false);
}

/**
 * What the file has become since somebody read it up to a position: the same bytes and no more, the same and further lines, or other
 * ones. Where its last line had no end, whatever follows belongs to that line and makes it another.
 */
export async function compareTo(position: FilePosition, file: string): Promise<'same' | 'longer' | 'other'> {
  const hash = createHash('sha256');
  let bytes = 0;
  let longer = false;
  for await (const chunk of unpacked(file, () => `byte ${bytes}`)) {
    const part = chunk.subarray(0, position.bytes - bytes);
    hash.update(part);
    bytes += part.length;
    longer = part.length < chunk.length;
    if (longer) break;
  }
  if (bytes < position.bytes || hash.digest('hex') !== position.sha256) return 'other';
  if (!longer) return 'same';
  return position.lineEnded ? 'longer' : 'other';
}

/** `reached` says where a fault lies. */
async function* unpacked(file: string, reached: () => string, onBytes?: OnBytes): AsyncGenerator<Buffer> {
  const { gzipped, size } = await look(file);
  const source = createReadStream(file, { highWaterMark: CHUNK });
  const stream: Readable = gzipped
    ? pipeline(source, createGunzip({ chunkSize: CHUNK }), () => {
        // The iteration below throws the error.
      })
    : source;
  try {
    for await (const chunk of stream as AsyncIterable<Buffer>) {
      onBytes?.(source.bytesRead, size);
      yield chunk;
    }
  } catch (cause) {
    throw new GreenparkError('INPUT_INVALID', `${basename(file)} cannot be read beyond ${reached()}: ${textOf(cause)}`, { cause });
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
    throw new GreenparkError('INPUT_INVALID', `${file} cannot be read: ${textOf(cause)}`, { cause });
  }
}

const textOf = (cause: unknown): string => (cause instanceof Error ? cause.message : String(cause));

/** A mark is a part of the text: who decodes blocks on their own must not lose one inside the file. */
const decoderOf = (encoding: string): TextDecoder => new TextDecoder(encoding, { ignoreBOM: true });

/** By the mark at the beginning of the file. */
function encodingOf(head: Buffer, named: string): string {
  if (head[0] === 0xff && head[1] === 0xfe) return 'utf-16le';
  if (head[0] === 0xef && head[1] === 0xbb && head[2] === 0xbf) return 'utf-8';
  return named;
}

/** Where the last whole line in it ends. In every other encoding than UTF-16 the byte 0x0A is a line break and nothing else. */
function endOfLines(bytes: Buffer, encoding: string): number {
  let at = bytes.lastIndexOf(0x0a);
  if (encoding !== 'utf-16le') return at + 1;
  while (at >= 0 && (at % 2 === 1 || bytes[at + 1] !== 0)) at = at === 0 ? -1 : bytes.lastIndexOf(0x0a, at - 1);
  return at < 0 ? 0 : at + 2;
}

function lineBreaksIn(text: string): number {
  let count = 0;
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) count++;
  return count;
}
