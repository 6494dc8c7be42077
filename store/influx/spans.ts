/** Rows and points further apart than this are asked for apart, ms ... */
const GAP_MS = 15 * 60_000;
/** ... where so many values lie between them: one more statement costs the server no more than reading past as many. */
const GAP_VALUES = 1000;
/** Statements of one request. */
const MOST_STATEMENTS = 64;
/** Values that a request may bring, were everything measured once a minute: a few scattered points must not have the server read all of a year. */
const MOST_VALUES = 200_000;
export const MINUTE_MS = 60_000;

export interface Point {
  readonly meter: number;
  readonly quantity: number;
  readonly ts: number;
}

/** Points that are asked for together: of these meters and quantities, from the first time to the last. */
export interface Span<P extends Point> {
  readonly from: number;
  to: number;
  /** In order of time. */
  readonly points: P[];
  readonly ordinals: Set<number>;
  readonly quantities: Set<number>;
  /** What it brings, were everything measured once a minute. */
  values: number;
}

/** The points in order of time, cut where nothing was measured for long and where a span would bring too much. */
export function spansOf<P extends Point>(points: readonly P[]): Span<P>[] {
  const spans: Span<P>[] = [];
  let span: Span<P> | undefined;
  for (const point of [...points].sort((a, b) => a.ts - b.ts)) {
    const values = span === undefined || isFar(span, point) ? Number.POSITIVE_INFINITY : valuesWith(span, point);
    if (span === undefined || values > MOST_VALUES) {
      span = { from: point.ts, to: point.ts, points: [], ordinals: new Set(), quantities: new Set(), values: 1 };
      spans.push(span);
    } else span.values = values;
    span.to = point.ts;
    span.points.push(point);
    span.ordinals.add(point.meter);
    span.quantities.add(point.quantity);
  }
  return spans;
}

function isFar({ to, ordinals, quantities }: Span<Point>, { ts }: Point): boolean {
  return ts - to > GAP_MS && valuesIn(ordinals.size, quantities.size, ts - to) > GAP_VALUES;
}

function valuesWith({ from, ordinals, quantities }: Span<Point>, { meter, quantity, ts }: Point): number {
  return valuesIn(ordinals.size + (ordinals.has(meter) ? 0 : 1), quantities.size + (quantities.has(quantity) ? 0 : 1), ts - from);
}

const valuesIn = (meters: number, quantities: number, ms: number): number => meters * quantities * (1 + ms / MINUTE_MS);

/** What is to be asked, in as many requests as it takes for none to bring too much. */
export function inRequests<T extends { readonly values: number }>(asked: readonly T[]): T[][] {
  const requests: T[][] = [];
  let values = 0;
  for (const one of asked) {
    const request = requests.at(-1);
    if (request !== undefined && request.length < MOST_STATEMENTS && values + one.values <= MOST_VALUES) request.push(one);
    else {
      requests.push([one]);
      values = 0;
    }
    values += one.values;
  }
  return requests;
}
