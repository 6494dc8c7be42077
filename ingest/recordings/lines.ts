import { GreenparkError } from '../../model/errors.ts';

/** Longest line taken, in characters. */
const LONGEST = 1 << 20;

export interface LineFormat {
  readonly delimiter: string;
  readonly quote: string;
  readonly comment: string | null;
  readonly skipLines: number;
}

/**
 * Blanks what is not a record on its way to the CSV parser, so that line numbers stay: lines before the header, comments, and
 * lines whose quotes do not pair. The parser would take such a quote for the beginning of a cell that runs over lines, up to the
 * end of the file; a recording has no cells over several lines, so one bad line costs that line alone.
 */
export class LineFilter {
  readonly #format: LineFormat;
  readonly #onBad: (line: number, detail: string) => void;
  readonly #wellQuoted: RegExp;
  #rest = '';
  #line = 0;

  constructor(format: LineFormat, onBad: (line: number, detail: string) => void) {
    this.#format = format;
    this.#onBad = onBad;
    const [q, d] = [escaped(format.quote), escaped(format.delimiter)];
    const cell = `(?:${q}(?:[^${q}]|${q}${q})*${q}|[^${q}]*?)`;
    this.#wellQuoted = new RegExp(`^${cell}(?:${d}${cell})*\\r?$`);
  }

  push(text: string): string {
    const whole = this.#rest + text;
    const end = whole.lastIndexOf('\n') + 1;
    this.#rest = whole.slice(end);
    if (this.#rest.length > LONGEST) throw new GreenparkError('INPUT_INVALID', `line ${this.#line + 1} is longer than ${LONGEST} characters`);
    return this.#filter(whole.slice(0, end));
  }

  end(): string {
    return this.#filter(this.#rest);
  }

  #filter(text: string): string {
    const { comment, skipLines, quote } = this.#format;
    if (this.#line >= skipLines && comment === null && !text.includes(quote)) {
      for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) this.#line++;
      return text;
    }
    const lines = text.split('\n');
    // What follows the last line break is a line only where the file ends without one.
    const unended = lines.pop() ?? '';
    const kept = lines.map((line) => `${this.#take(line)}\n`).join('');
    return unended === '' ? kept : kept + this.#take(unended);
  }

  #take(line: string): string {
    this.#line++;
    const { comment, skipLines, quote } = this.#format;
    if (this.#line <= skipLines || (comment !== null && line.startsWith(comment))) return '';
    if (!line.includes(quote) || this.#wellQuoted.test(line)) return line;
    this.#onBad(this.#line, `the quotes do not pair in ${JSON.stringify(line.slice(0, 64))}`);
    return '';
  }
}

const escaped = (text: string): string => text.replaceAll(/[\\^$.*+?()[\]{}|/-]/g, '\\$&');
