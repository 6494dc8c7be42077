export interface LineFormat {
  readonly delimiter: string;
  readonly quote: string;
  readonly comment: string | null;
  readonly skipLines: number;
}

/** A line that breaks the rules of CSV. Lines count from 1. */
export interface BadLine {
  readonly line: number;
  readonly detail: string;
}

/**
 * Blanks what is not a record before the CSV parser sees it, so that line numbers stay: lines before the header, comments, and
 * lines whose quotes do not pair. The parser would take such a quote for the beginning of a cell that runs over lines, up to the
 * end of the file; a recording has no cells over several lines, so one bad line costs that line alone.
 */
export class LineFilter {
  readonly #format: LineFormat;
  readonly #wellQuoted: RegExp;

  constructor(format: LineFormat) {
    this.#format = format;
    const [q, d] = [escaped(format.quote), escaped(format.delimiter)];
    const cell = `(?:${q}(?:[^${q}]|${q}${q})*${q}|[^${q}]*?)`;
    this.#wellQuoted = new RegExp(`^${cell}(?:${d}${cell})*\\r?$`);
  }

  /** Whole lines, `before` of which stand before them in the file, without those that are bad. */
  filter(text: string, before: number): { readonly text: string; readonly bad: readonly BadLine[] } {
    const { comment, skipLines, quote } = this.#format;
    const bad: BadLine[] = [];
    if (before >= skipLines && comment === null && !text.includes(quote)) return { text, bad };
    const kept = text.split('\n').map((content, index) => {
      const line = before + index + 1;
      if (line <= skipLines || (comment !== null && content.startsWith(comment))) return '';
      if (!content.includes(quote) || this.#wellQuoted.test(content)) return content;
      bad.push({ line, detail: `the quotes do not pair in ${JSON.stringify(content.slice(0, 64))}` });
      return '';
    });
    return { text: kept.join('\n'), bad };
  }
}

const escaped = (text: string): string => text.replaceAll(/[\\^$.*+?()[\]{}|/-]/g, '\\$&');
