import { AIR_ITEMS, type AirItem, realTimeAir } from '../accounting/air-quality.ts';
import { type Activity, carbonOf, isSource } from '../accounting/carbon.ts';
import { CARRIER_UNITS, type CountedFlow, countersOf, flowOf, quantityFor, topMeters } from '../accounting/flows.ts';
import type { UsageFigure } from '../accounting/port.ts';
import { usageOf, withoutNoise } from '../accounting/usage.ts';
import type { Clock } from '../model/clock.ts';
import type { EnterpriseId, EpochMs, MeterId, ParkId } from '../model/ids.ts';
import type { AirQuality } from '../model/live.ts';
import { periodsBetween, type Span } from '../model/period.ts';
import { quantityOf } from '../model/quantities.ts';
import type { Park, RegisteredMeter } from '../model/registry.ts';
import type { ReadingStore } from '../store/port.ts';
import { balancesOf } from './balances.ts';
import type { CarbonFigure, DirectoryView, Figures, HourlyMean, UsageQuestion } from './deps.ts';

const HOUR = 3_600_000;
const MINUTE = 60_000;
/** GB 3095-2026 table 4: an hourly mean needs 45 minutes of valid data. */
const MINUTES_FOR_AN_HOUR = 45;

export interface FiguresDeps {
  readonly store: Pick<ReadingStore, 'counters' | 'steps'>;
  readonly directory: { readonly current: DirectoryView };
  readonly clock: Clock;
}

interface Group {
  readonly enterprise: EnterpriseId | null;
  readonly meter: MeterId | null;
  readonly meters: readonly RegisteredMeter[];
}

/** Figures computed from what is stored: usage, balances of meters, carbon, hourly means and the air quality made of them. */
export function createFigures({ store, directory, clock }: FiguresDeps): Figures {
  const parkOf = (id: ParkId): Park | undefined => directory.current.parks.get(id);

  const usage = async (question: UsageQuestion): Promise<UsageFigure[]> => {
    const park = parkOf(question.park);
    if (park === undefined) return [];
    const spans = periodsBetween(question.from, question.to, question.period, park.timeZone);
    const [first, last] = [spans[0], spans.at(-1)];
    if (first === undefined || last === undefined) return [];
    const groups = groupsOf(directory.current, question);
    const counters = new Map<string, { readonly meter: number; readonly quantity: number }>();
    const plans = groups.flatMap((group) =>
      flowsIn(group.meters)
        .filter((flow) => question.carrier === null || flow.carrier === question.carrier)
        .map((flow) => ({
          group,
          flow,
          members: topMeters(group.meters, flow, (id) => directory.current.meter(id)).flatMap((meter) => {
            const name = quantityFor(meter.kind, flow);
            if (name === null) return [];
            const counter = { meter: meter.ordinal, quantity: quantityOf(name).code };
            counters.set(`${counter.meter}/${counter.quantity}`, counter);
            return [`${counter.meter}/${counter.quantity}`];
          }),
        })),
    );
    if (counters.size === 0) return [];
    const series = await store.counters({ counters: [...counters.values()], from: first.from, to: last.to, step: stepFor(spans), origin: first.from });
    const now = clock();
    const usageBySeries = new Map(series.map((one) => [`${one.meter}/${one.quantity}`, usageOf(one, spans, now)]));
    // A flow of which no counter was ever read has no figure, which is not the same as zero.
    const read = new Set(
      series.filter((one) => one.before !== null || one.after !== null || one.steps.length > 0).map((one) => `${one.meter}/${one.quantity}`),
    );
    const metered = plans.map((plan) => ({ ...plan, members: plan.members.filter((member) => read.has(member)) })).filter((plan) => plan.members.length > 0);
    return metered.flatMap(({ group, flow, members }) =>
      spans.map((span, at): UsageFigure => {
        const parts = members.flatMap((member) => usageBySeries.get(member)?.[at] ?? []);
        return {
          ...span,
          ...flow,
          enterprise: group.enterprise,
          meter: group.meter,
          amount: withoutNoise(parts.reduce((sum, part) => sum + part.amount, 0)),
          unit: CARRIER_UNITS[flow.carrier],
          estimated: parts.some((part) => part.estimated),
        };
      }),
    );
  };

  const carbon = async (question: Omit<UsageQuestion, 'carrier'>): Promise<CarbonFigure[]> => {
    const park = parkOf(question.park);
    if (park === undefined) return [];
    const groups = new Map<string, UsageFigure[]>();
    for (const figure of await usage({ ...question, carrier: null })) {
      const key = `${figure.from}/${figure.enterprise ?? ''}/${figure.meter ?? ''}`;
      groups.set(key, [...(groups.get(key) ?? []), figure]);
    }
    return [...groups.values()].flatMap((figures) => {
      const [first] = figures;
      if (first === undefined) return [];
      const activities: readonly Activity[] = figures;
      const emission = carbonOf(activities, park.region, yearOf(first.from, park));
      const { from, to, enterprise, meter } = first;
      return [{ from, to, enterprise, meter, ...emission, estimated: figures.some((figure) => figure.estimated && isSource(figure)) }];
    });
  };

  const ambientOf = (park: ParkId): RegisteredMeter[] => directory.current.metersOf(park).filter((meter) => meter.kind === 'ambient');

  const hourlyMeans = async (park: ParkId, from: EpochMs, to: EpochMs): Promise<HourlyMean[]> => {
    const [first, last] = [Math.floor(from / HOUR) * HOUR, Math.ceil(to / HOUR) * HOUR];
    const questions = ambientOf(park).flatMap((meter) => AIR_ITEMS.map((item) => ({ meter, item })));
    const answers = await Promise.all(
      questions.map(async ({ meter, item }) => {
        const query = { meter: meter.ordinal, quantity: quantityOf(item).code, from: first, to: last };
        const minutes = await store.steps({ ...query, step: MINUTE, origin: first });
        return hoursOf(meter, item, minutes, first, last);
      }),
    );
    return answers.flat();
  };

  const air = async (park: ParkId): Promise<AirQuality[]> => {
    // The last full hour: the running one is not an hourly mean yet.
    const to = Math.floor(clock() / HOUR) * HOUR;
    const hours = await hourlyMeans(park, to - HOUR, to);
    return ambientOf(park).flatMap((meter) => {
      const means = new Map<AirItem, number>();
      for (const hour of hours) if (hour.meter === meter.id && hour.mean !== null) means.set(hour.quantity as AirItem, hour.mean);
      return means.size === 0 ? [] : [realTimeAir(meter.id, to, means)];
    });
  };

  return { usage, carbon, air, hourlyMeans, balance: (question) => balancesOf(store, directory.current, question) };
}

/**
 * Hours with the mean of their minutes. A reading covers the time until the next one, but no more than the station's interval: a
 * station may report more often than it must, and is not valid for longer by that.
 */
function hoursOf(
  meter: RegisteredMeter,
  item: AirItem,
  minutes: readonly { readonly at: EpochMs; readonly mean: number }[],
  from: EpochMs,
  to: EpochMs,
): HourlyMean[] {
  const longest = Math.max(MINUTE, meter.intervalSeconds * 1000);
  const hours: HourlyMean[] = [];
  let at = 0;
  for (let hour = from; hour < to; hour += HOUR) {
    let sum = 0;
    let count = 0;
    let coveredMs = 0;
    let previous = Number.NEGATIVE_INFINITY;
    for (; at < minutes.length; at++) {
      const minute = minutes[at] as (typeof minutes)[number];
      if (minute.at >= hour + HOUR) break;
      // The first one counts in full: what it covers lies before or after it, as the station stamps, and lies in this hour for most.
      coveredMs += Math.min(longest, minute.at - previous);
      previous = minute.at;
      sum += minute.mean;
      count++;
    }
    if (count === 0) continue;
    const covered = Math.min(60, Math.floor(coveredMs / MINUTE));
    const valid = covered >= MINUTES_FOR_AN_HOUR;
    hours.push({ meter: meter.id, quantity: item, from: hour, to: hour + HOUR, mean: valid ? sum / count : null, minutes: covered, valid });
  }
  return hours;
}

function groupsOf(view: DirectoryView, { park, enterprise, by }: Pick<UsageQuestion, 'park' | 'enterprise' | 'by'>): Group[] {
  const meters = enterprise === null ? view.metersOf(park) : view.metersOf(park, enterprise);
  if (by === 'park') return [{ enterprise, meter: null, meters }];
  if (by === 'meter') return meters.map((meter) => ({ enterprise: meter.enterprise, meter: meter.id, meters: [meter] }));
  const byEnterprise = new Map<EnterpriseId | null, RegisteredMeter[]>();
  for (const meter of meters) byEnterprise.set(meter.enterprise, [...(byEnterprise.get(meter.enterprise) ?? []), meter]);
  return [...byEnterprise].map(([owner, own]) => ({ enterprise: owner, meter: null, meters: own }));
}

function flowsIn(meters: readonly RegisteredMeter[]): CountedFlow[] {
  const flows = new Map<string, CountedFlow>();
  for (const { kind } of meters) {
    for (const quantity of countersOf(kind)) {
      const flow = flowOf(kind, quantity);
      if (flow !== null) flows.set(`${flow.carrier}/${flow.flow}`, flow);
    }
  }
  return [...flows.values()];
}

/** The longest step whose borders are borders of all spans: their greatest common divisor, e.g. a day for months without a clock change. */
function stepFor(spans: readonly Span[]): number {
  return spans.map(({ from, to }) => to - from).reduce(commonDivisor);
}

const commonDivisor = (a: number, b: number): number => (b === 0 ? a : commonDivisor(b, a % b));

const yearOf = (ts: EpochMs, park: Park): number => Number(new Intl.DateTimeFormat('en', { year: 'numeric', timeZone: park.timeZone }).format(ts));
