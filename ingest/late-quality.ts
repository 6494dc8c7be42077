import type { EpochMs } from '../model/ids.ts';
import type { RegisteredMeter } from '../model/registry.ts';
import type { MeterPlan } from './meter-plans.ts';
import { type OnRegisterMove, QualityJudge } from './quality.ts';

/** Where the late readings of one series stand. */
interface Lane {
  readonly meter: RegisteredMeter;
  ts: EpochMs;
}

/**
 * Judges readings that come when newer ones are there already: a recording that is imported, the buffer of a gateway that was away. Such
 * readings come in order among themselves nearly always, and are judged as a row of their own as long as they do. The first of a row has
 * nothing to follow from: it is held against the physical range alone.
 */
export class LateQuality {
  readonly #judge: QualityJudge;
  readonly #lanes = new Map<number, Lane>();

  constructor(onMove: OnRegisterMove) {
    this.#judge = new QualityJudge(onMove);
  }

  judge(plan: MeterPlan, column: number, ts: EpochMs, value: number): number {
    const series = plan.series[column] as number;
    const code = plan.columns.codes[column] as number;
    let lane = this.#lanes.get(series);
    if (lane?.meter !== plan.meter) {
      // Another record of the meter stands for another state of the registry: the checks may be others.
      this.#judge.open(series, code, { checks: plan.checksOf(column) });
      lane = { meter: plan.meter, ts: lane?.ts ?? Number.POSITIVE_INFINITY };
      this.#lanes.set(series, lane);
    }
    if (!(ts > lane.ts)) this.#judge.forget(series);
    lane.ts = ts;
    return this.#judge.judge(series, code, ts, value);
  }
}
