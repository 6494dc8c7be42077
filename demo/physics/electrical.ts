import type { EpochMs } from '../../model/ids.ts';
import { KNOTS_PER_DAY, knotsAt } from './calendar.ts';
import { smooth } from './noise.ts';

/** A three-phase connection: its phase voltage in V and the power factor that its trade's machines and capacitors give. */
export interface Connection {
  readonly phaseVolts: number;
  readonly powerFactor: number;
}

export interface Phases {
  readonly powerFactor: number;
  /** kvar, lagging */
  readonly reactive: number;
  /** kVA */
  readonly apparent: number;
  readonly volts: readonly [number, number, number];
  readonly amperes: readonly [number, number, number];
}

/**
 * What an instrument shows beside the power in kW: P = S × pf, S² = P² + Q², Σ U × I over the phases = S. The currents differ by
 * a few percent between the phases, and so do the voltages; more so at night, when the network is lightly loaded and runs high.
 */
export function phasesAt(power: number, connection: Connection, seed: number, stream: number, ts: EpochMs): Phases {
  const knot = knotsAt(ts);
  const powerFactor = Math.min(0.995, Math.max(0.7, connection.powerFactor + 0.015 * smooth(seed, stream + 10, knot / 4)));
  const apparent = Math.abs(power) / powerFactor;
  const reactive = apparent * Math.sqrt(1 - powerFactor * powerFactor);
  const level = connection.phaseVolts * (1 + 0.012 * Math.cos((2 * Math.PI * knot) / KNOTS_PER_DAY) + 0.006 * smooth(seed, 77, knot * 3));
  const skew = [0.02 * smooth(seed, stream + 11, knot / 6), 0.02 * smooth(seed, stream + 12, knot / 6)] as const;
  const shares = [1 + skew[0], 1 + skew[1], 1 - skew[0] - skew[1]] as const;
  const volts = [level * (1 + 0.002 * smooth(seed, stream + 13, knot)), level, level * (1 - 0.002 * smooth(seed, stream + 14, knot))] as const;
  const amperes = volts.map((volt, phase) => ((apparent * 1000) / 3 / volt) * (shares[phase] as number)) as unknown as readonly [number, number, number];
  return { powerFactor, reactive, apparent, volts, amperes };
}

/** Network frequency in Hz; one for the whole grid. */
export const frequencyAt = (seed: number, ts: EpochMs): number => 50 + 0.03 * smooth(seed, 50, ts / 20_000);
