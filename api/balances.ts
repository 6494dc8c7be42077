import { type BalancePart, balanceOf, countersFor, metersBelow, sideOf } from '../accounting/balance.ts';
import { CARRIER_UNITS } from '../accounting/flows.ts';
import { usageOf, withoutNoise } from '../accounting/usage.ts';
import type { EpochMs, MeterId } from '../model/ids.ts';
import { isStale } from '../model/live.ts';
import type { Span } from '../model/period.ts';
import { quantityOf } from '../model/quantities.ts';
import type { RegisteredMeter } from '../model/registry.ts';
import { CARRIERS, type Carrier, type Flow } from '../model/rules.ts';
import type { CounterSeries, ReadingStore } from '../store/port.ts';
import type { BalanceFigure, BalanceQuestion, DirectoryView } from './deps.ts';

interface Counter {
  readonly meter: MeterId;
  readonly ordinal: number;
  readonly quantity: number;
  readonly flow: Flow;
  readonly intervalSeconds: number;
}

/** What a meter took in against what the meters right below it took out of that, for each carrier of which there are any below. */
export async function balancesOf(store: Pick<ReadingStore, 'counters'>, view: DirectoryView, question: BalanceQuestion): Promise<BalanceFigure[]> {
  const { meter, enterprise, tolerance } = question;
  const meters = view.metersOf(meter.park, enterprise ?? undefined);
  const figures: BalanceFigure[] = [];
  for (const carrier of CARRIERS) {
    const above = countersOf(meter, carrier);
    if (above.length === 0) continue;
    const below = metersBelow(meters, meter.id, carrier, (id) => view.meter(id));
    if (below.length === 0) continue;
    const counters = [...above, ...below.flatMap((one) => countersOf(one, carrier))];
    const known = await knownOf(store, counters, question.span);
    const span = sharedSpan(known, meter.id);
    const parts = span === null ? [] : await partsOf(store, counters, span, meter.id);
    const read = new Set(span === null ? known.map(({ counter }) => counter.meter) : parts.map((part) => part.meter));
    const unread = [meter, ...below].map(({ id }) => id).filter((id) => !read.has(id));
    const { in: into, out, remainder, is } = balanceOf(parts, tolerance, span !== null && unread.length === 0);
    figures.push({
      ...{ carrier, unit: CARRIER_UNITS[carrier], ...(span ?? question.span) },
      ...{ in: withoutNoise(into), out: withoutNoise(out), remainder: withoutNoise(remainder), is, tolerance },
      parts: parts.map((part) => ({ ...part, amount: withoutNoise(part.amount) })),
      unread,
    });
  }
  return figures;
}

const countersOf = ({ id, ordinal, kind, intervalSeconds }: RegisteredMeter, carrier: Carrier): Counter[] =>
  countersFor(kind, carrier).map(({ quantity, flow }) => ({ meter: id, ordinal, quantity: quantityOf(quantity).code, flow, intervalSeconds }));

/** A counter, and the part of a span of which it tells. */
interface Known extends Span {
  readonly counter: Counter;
}

async function knownOf(store: Pick<ReadingStore, 'counters'>, counters: readonly Counter[], whole: Span): Promise<Known[]> {
  const answers = seriesBy(await ask(store, counters, whole));
  return counters.flatMap((counter) => {
    const ends = endsIn(answers(counter), whole);
    return ends === null ? [] : [{ counter, ...ends }];
  });
}

/**
 * The part of the span of which the meter above tells: what those below read before its first reading or after its last one has nothing to be held
 * against. Of its counters one may begin later than the others, or tell only of changes. It ends with the last reading of those that are not silent.
 * Null where the meter above does not tell of any time.
 */
function sharedSpan(known: readonly Known[], above: MeterId): Span | null {
  const ofAbove = known.filter(({ counter }) => counter.meter === above);
  if (ofAbove.length === 0) return null;
  const first = Math.min(...ofAbove.map((one) => one.from));
  const last = Math.max(...ofAbove.map((one) => one.to));
  const isNear = (early: EpochMs, late: EpochMs, { intervalSeconds }: Counter): boolean => !isStale(early, intervalSeconds, late);
  const from = Math.max(...ofAbove.flatMap((one) => (isNear(first, one.from, one.counter) ? [one.from] : [])));
  const to = Math.min(last, ...known.flatMap((one) => (isNear(one.to, last, one.counter) ? [one.to] : [])));
  return from < to ? { from, to } : null;
}

/** First and last instant of the span of which a counter tells. Null where it was read neither in the span nor on both sides of it. */
function endsIn(series: CounterSeries | undefined, { from, to }: Span): Span | null {
  const step = series?.steps[0];
  const first = series?.before === null ? step?.first.ts : from;
  const last = series?.after === null ? step?.last.ts : to;
  return series === undefined || first === undefined || last === undefined ? null : { from: first, to: last };
}

async function partsOf(store: Pick<ReadingStore, 'counters'>, counters: readonly Counter[], span: Span, above: MeterId): Promise<BalancePart[]> {
  // A reading at the very end belongs to it.
  const answers = seriesBy(await ask(store, counters, { from: span.from, to: span.to + 1 }));
  return counters.flatMap((counter): BalancePart[] => {
    const { meter, flow } = counter;
    const series = answers(counter);
    const [usage] = series === undefined || endsIn(series, span) === null ? [] : usageOf(series, [span], span.to);
    return usage === undefined ? [] : [{ meter, flow, side: sideOf(flow, meter === above), ...usage }];
  });
}

/** The span as one step. */
const ask = (store: Pick<ReadingStore, 'counters'>, counters: readonly Counter[], { from, to }: Span): Promise<readonly CounterSeries[]> =>
  store.counters({ counters: counters.map(({ ordinal, quantity }) => ({ meter: ordinal, quantity })), from, to, step: to - from, origin: from });

function seriesBy(answers: readonly CounterSeries[]): (counter: Counter) => CounterSeries | undefined {
  const known = new Map(answers.map((series) => [`${series.meter}/${series.quantity}`, series]));
  return ({ ordinal, quantity }) => known.get(`${ordinal}/${quantity}`);
}
