import { GreenparkError } from '../model/errors.ts';
import type { EpochMs, MeterId } from '../model/ids.ts';
import type { QuantityName } from '../model/quantities.ts';
import type { Meter } from '../model/registry.ts';
import { incomerId, METERS, meterId, PIPES, PV_UNITS } from './meters.ts';
import { dayOf } from './physics/calendar.ts';
import { loadSignal } from './physics/load.ts';
import { streamOf, unit } from './physics/noise.ts';
import { batterySignals, electrolyserSignal, KWH_PER_KG_HYDROGEN, pvSignal } from './physics/renewables.ts';
import { combine, type Flow, type Signal } from './physics/signal.ts';
import { type Weather, weatherOf } from './physics/weather.ts';
import { electricityReading, type Reader, storageReading, unitReading } from './readers/electric.ts';
import { environmentReaders } from './readers/environment.ts';
import { pipeReading } from './readers/pipes.ts';
import { BATTERIES, CAPTURE, COMMON, ELECTROLYSER, ENTERPRISES, PARK_PV, STACKS } from './roster.ts';

/** What a meter sends for one instant: quantities in the units that the meter is registered with. */
export type Values = Partial<Record<QuantityName, number>>;

/** Transformers and lines between an incomer and the meters below it: a share of the throughput and the iron's constant kW. */
export const LOSS_SHARE = 0.012;
export const LOSS_KW = 18;
/** Mains lose this share of what is metered behind them. */
const PIPE_LOSS = 0.03;
/** kg of CO₂ per m³ of natural gas (GB/T 32150 default, from memory), the share that the unit takes out, kWh per t captured (own). */
const CO2_PER_GAS = 2.16;
const CAPTURE_SHARE = 0.35;
const KWH_PER_T_CO2 = 380;
/** The treated water that leaves the works, of what the park drinks. */
const RETURN_SHARE = 0.78;

/**
 * The whole park as functions of seed and time. Two plants of one seed answer the same at the same instant, whatever was asked
 * before: so history and live agree, and a restart goes on with the same registers without a state file.
 */
export class Plant {
  readonly seed: number;
  readonly weather: Weather;
  /** Rate and register behind every meter that counts something; electricity in kW, battery as charge minus discharge. */
  readonly flows: ReadonlyMap<MeterId, Flow>;
  readonly #readers = new Map<MeterId, Reader>();
  readonly #signals: Signal[] = [];
  #summed = -1;

  constructor(seed: number) {
    this.seed = seed;
    this.weather = weatherOf(seed);
    const flows = new Map<MeterId, Flow>();
    this.flows = flows;
    this.#build(flows);
  }

  /** What `meter` reports for the instant `ts`. Refuses a meter that is not of this park. */
  read(meter: MeterId, ts: EpochMs): Values {
    const reader = this.#readers.get(meter);
    if (reader === undefined) throw new GreenparkError('NOT_FOUND', `meter ${meter} is not one of the demonstration park`);
    this.#sumUpTo(dayOf(ts));
    return reader(ts);
  }

  /** Sums the registers up to `ts` in slices, so that a start does not stall the process: about five milliseconds per day since the epoch. */
  async prepare(ts: EpochMs): Promise<void> {
    const last = dayOf(ts);
    while (this.#summed < last) {
      this.#sumUpTo(Math.min(last, this.#summed + 2));
      await new Promise<void>((resolve) => setImmediate(resolve));
    }
  }

  /** Day by day over all signals, since one signal's day needs the same day of others. */
  #sumUpTo(day: number): void {
    while (this.#summed < day) {
      this.#summed++;
      for (const signal of this.#signals) signal.sumUpTo(this.#summed);
    }
  }

  #keep(signal: Signal): Signal {
    this.#signals.push(signal);
    return signal;
  }

  #build(flows: Map<MeterId, Flow>): void {
    const { seed, weather } = this;
    const load = (name: string, spec: Parameters<typeof loadSignal>[0]): Signal => this.#keep(loadSignal(spec, seed, streamOf(name), weather));
    const shadingOf = (id: string): number => 0.94 + 0.06 * unit(seed, streamOf(id), 0);
    const sun = (id: string, ratedKw: number): Signal => this.#keep(pvSignal(ratedKw, shadingOf(id), seed, streamOf(id), weather));
    const below: Record<1 | 2, (readonly [Flow, number])[]> = { 1: [], 2: [] };
    const put = (id: string, flow: Flow): Flow => {
      flows.set(meterId(id), flow);
      return flow;
    };

    for (const owner of ENTERPRISES) {
      const parts: (readonly [Flow, number])[] = owner.electricity.map((sub, at) => {
        const id = `${owner.code}-p${at + 1}`;
        return [put(id, load(id, sub.load)), 1];
      });
      parts.push([load(`${owner.code}-rest`, owner.rest), 1]);
      if (owner.pvKw !== undefined) parts.push([put(`${owner.code}-pv`, sun(`${owner.code}-pv`, owner.pvKw)), -1]);
      below[owner.incomer].push([put(`${owner.code}-main`, combine(parts)), 1]);
    }
    for (const common of COMMON) below[common.incomer].push([put(common.id, load(common.id, common.load)), 1]);

    const roofs = PARK_PV.map((each) => {
      const signal = sun(each.id, each.ratedKw);
      below[each.incomer].push([put(each.id, signal), -1]);
      return signal;
    });
    const batteries = BATTERIES.map((spec) => {
      const signals = batterySignals(spec, seed, streamOf(spec.id), weather);
      this.#keep(signals.charge);
      this.#keep(signals.discharge);
      const net = combine([
        [signals.charge, 1],
        [signals.discharge, -1],
      ]);
      below[spec.incomer].push([put(spec.id, net), 1]);
      return { spec, ...signals };
    });
    const charging = batteries.map((battery) => battery.charge);
    const hydrogen = this.#keep(electrolyserSignal(ELECTROLYSER.ratedKw, roofs, charging, seed, streamOf(ELECTROLYSER.id)));
    below[ELECTROLYSER.incomer].push([put(ELECTROLYSER.id, hydrogen), 1]);

    for (const pipe of PIPES) {
      const parts: (readonly [Flow, number])[] = [];
      for (const owner of ENTERPRISES) {
        const spec = owner[pipe.kind];
        if (spec === undefined) continue;
        const id = `${owner.code}-${pipe.letter}`;
        const flow = put(id, load(id, spec));
        parts.push([flow, 1 + PIPE_LOSS]);
        if (pipe.kind === 'water') owner.waterUses?.forEach((use, at) => void put(`${id}${at + 1}`, combine([[flow, use.share]])));
      }
      put(`lq-${pipe.letter}0`, combine(parts));
    }
    const flowOf = (id: string): Flow => {
      const flow = flows.get(meterId(id));
      if (flow === undefined) throw new GreenparkError('INTERNAL', `the plant has no flow for ${id}`);
      return flow;
    };
    const gasOf = (owner: string): Flow => flowOf(`${ENTERPRISES.find((each) => each.id === owner)?.code ?? owner}-g`);

    const captured = combine([[gasOf(STACKS[0].owner), (CO2_PER_GAS * CAPTURE_SHARE) / 1000]]);
    const captureKw = combine([[captured, KWH_PER_T_CO2]]);
    below[CAPTURE.incomer].push([put(CAPTURE.id, captureKw), 1]);
    for (const incomer of [1, 2] as const) {
      put(
        incomerId(incomer),
        combine(
          below[incomer].map(([flow, factor]) => [flow, factor * (1 + LOSS_SHARE)] as const),
          LOSS_KW,
        ),
      );
    }

    const outfall = combine([[flowOf('lq-w0'), RETURN_SHARE]]);
    put('lq-out1', outfall);
    const environment = environmentReaders({ seed, weather, outfall, stackFlows: STACKS.map((stack) => combine([[gasOf(stack.owner), stack.perGas]])) });
    for (const meter of METERS) this.#readers.set(meter.id, this.#readerOf(meter, flowOf, { batteries, captured, environment }));
  }

  #readerOf(
    meter: Meter,
    flowOf: (id: string) => Flow,
    parts: {
      readonly batteries: readonly { readonly spec: (typeof BATTERIES)[number]; readonly charge: Flow; readonly discharge: Flow }[];
      readonly captured: Flow;
      readonly environment: ReadonlyMap<string, Reader>;
    },
  ): Reader {
    const { seed, weather } = this;
    const stream = streamOf(meter.id);
    // What the register had counted before the epoch: instruments are seldom new.
    const begun = Math.floor(unit(seed, stream, -1) * 9000) + 500;
    const own = parts.environment.get(meter.id);
    if (own !== undefined) return own;
    const battery = parts.batteries.find((each) => each.spec.id === meter.id);
    if (battery !== undefined) return storageReading(battery, weather, begun * 100);
    switch (meter.kind) {
      case 'electricity': {
        const owner = ENTERPRISES.find((each) => each.id === meter.enterprise);
        const main = meter.parent === null || meter.id.endsWith('-main');
        const phaseVolts = meter.parent === null ? 63_509 : 5774;
        return electricityReading(
          flowOf(meter.id),
          { phaseVolts, powerFactor: owner?.powerFactor ?? 0.95 },
          { seed, stream, meter, begun: begun * 1000, main },
        );
      }
      case 'pv':
        return unitReading.pv(flowOf(meter.id), weather, begun * 100, PV_UNITS);
      case 'electrolyser':
        return unitReading.electrolyser(flowOf(meter.id), KWH_PER_KG_HYDROGEN, begun);
      case 'capture':
        return unitReading.capture(flowOf(meter.id), parts.captured, begun);
      case 'water':
      case 'gas':
      case 'heat':
      case 'steam':
        return pipeReading(meter.kind, flowOf(meter.id), begun * 10, seed, stream, weather);
      case 'battery':
      case 'ambient':
      case 'stack':
      case 'outfall':
      case 'noise':
      case 'weather':
        throw new GreenparkError('INTERNAL', `the plant knows no ${meter.kind} meter ${meter.id}`);
    }
  }
}
