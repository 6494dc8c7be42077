import type { Alert, AlertChange } from '../../../model/alert.ts';
import type { EpochMs } from '../../../model/ids.ts';
import type { LiveBatch, LiveFigures, LiveMeter, LiveValue, ParkSnapshot } from '../../../model/live.ts';

/** A meter with its newest values by quantity. */
export interface ModelMeter extends Omit<LiveMeter, 'latest' | 'status'> {
  status: LiveMeter['status'];
  readonly values: Map<LiveValue[0], LiveValue>;
  /** Newest time of measurement over all quantities; null before the first reading. */
  newest: EpochMs | null;
}

/**
 * What one room told so far. Holds the newest value per series and the open alerts, nothing that grows with time:
 * a page may listen for weeks.
 */
export class LiveModel {
  readonly park: ParkSnapshot['park'];
  readonly enterprise: ParkSnapshot['enterprise'];
  readonly enterprises: ParkSnapshot['enterprises'];
  readonly meters = new Map<string, ModelMeter>();
  readonly alerts = new Map<string, Alert>();
  figures: LiveFigures;
  /** The service's own time at the last message. */
  at: EpochMs;
  #seq: number;

  constructor(state: ParkSnapshot) {
    this.park = state.park;
    this.enterprise = state.enterprise;
    this.enterprises = state.enterprises;
    for (const { latest, ...meter } of state.meters) {
      const values = new Map<LiveValue[0], LiveValue>(latest.map((value) => [value[0], value]));
      this.meters.set(meter.id, { ...meter, values, newest: latest.length === 0 ? null : Math.max(...latest.map((value) => value[1])) });
    }
    for (const alert of state.alerts) this.alerts.set(alert.id, alert);
    this.figures = state.figures;
    this.at = state.at;
    this.#seq = state.seq;
  }

  /** Merges a batch. False when one before it is missing: then a new snapshot must be asked for. */
  readings(batch: LiveBatch): boolean {
    if (batch.seq !== this.#seq + 1) return false;
    this.#seq = batch.seq;
    this.at = Math.max(this.at, batch.at);
    for (const [id, ...value] of batch.readings) {
      const meter = this.meters.get(id);
      if (meter === undefined) continue;
      const known = meter.values.get(value[0]);
      if (known !== undefined && known[1] > value[1]) continue;
      meter.values.set(value[0], value);
      if (meter.newest === null || value[1] > meter.newest) meter.newest = value[1];
    }
    for (const [id, online, since] of batch.statuses) {
      const meter = this.meters.get(id);
      if (meter !== undefined) meter.status = { online, since };
    }
    return true;
  }

  alert({ alert, at }: AlertChange): void {
    this.at = Math.max(this.at, at);
    if (alert.state === 'resolved') this.alerts.delete(alert.id);
    else this.alerts.set(alert.id, alert);
  }

  usage(figures: LiveFigures): void {
    this.figures = figures;
    this.at = Math.max(this.at, figures.at);
    for (const [id, peak] of figures.peaks) {
      const alert = this.alerts.get(id);
      if (alert !== undefined && alert.peak !== peak) this.alerts.set(id, { ...alert, peak });
    }
  }
}
