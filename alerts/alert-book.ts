import type { Alert, AlertChange } from '../model/alert.ts';
import { GreenparkError } from '../model/errors.ts';
import type { EpochMs } from '../model/ids.ts';
import type { AlertJournal } from './journal.ts';
import type { AlertEngineDeps, AlertEntry } from './port.ts';

/** The alerts that stand, and everything that happens to one: each change is journalled and told once. */
export class AlertBook {
  readonly #deps: Pick<AlertEngineDeps, 'records' | 'clock' | 'logger'>;
  readonly #journal: AlertJournal;
  readonly #open = new Map<string, Alert>();
  readonly #listeners = new Set<(change: AlertChange) => void>();

  constructor(deps: Pick<AlertEngineDeps, 'records' | 'clock' | 'logger'>, journal: AlertJournal, open: readonly Alert[]) {
    this.#deps = deps;
    this.#journal = journal;
    for (const alert of open) this.#open.set(alert.id, alert);
  }

  open(): readonly Alert[] {
    return [...this.#open.values()];
  }

  get(id: string): Alert | undefined {
    return this.#open.get(id);
  }

  onChange(listener: (change: AlertChange) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  fire(alert: Omit<Alert, 'state' | 'until' | 'raisedAt' | 'acknowledgedBy' | 'acknowledgedAt' | 'shelvedUntil' | 'shelvedBy' | 'shelvedReason'>): void {
    if (this.#open.has(alert.id)) return;
    this.#change('fired', {
      ...alert,
      state: 'firing',
      until: null,
      raisedAt: this.#deps.clock(),
      acknowledgedBy: null,
      acknowledgedAt: null,
      shelvedUntil: null,
      shelvedBy: null,
      shelvedReason: null,
    });
  }

  resolve(id: string, until: EpochMs): void {
    const alert = this.#open.get(id);
    if (alert !== undefined) this.#change('resolved', { ...alert, state: 'resolved', until: Math.max(until, alert.since) });
  }

  /** The worst value so far: no transition, written with the next save. */
  worsen(id: string, peak: number): void {
    const alert = this.#open.get(id);
    if (alert === undefined || alert.peak === peak) return;
    const worse = { ...alert, peak };
    this.#open.set(id, worse);
    this.#journal.putLater(worse);
  }

  /** Whoever saw it first stays named; a second acknowledgement changes nothing. */
  async acknowledge(id: string, by: string, entry?: AlertEntry): Promise<Alert> {
    const alert = this.#open.get(id) ?? (await this.#refuse(id));
    if (alert.state !== 'acknowledged')
      this.#handle('acknowledged', alert, { ...alert, state: 'acknowledged', acknowledgedBy: by, acknowledgedAt: this.#deps.clock() }, entry);
    return await this.#durable(id);
  }

  async shelve(id: string, by: string, until: EpochMs, reason: string, entry?: AlertEntry): Promise<Alert> {
    if (until <= this.#deps.clock()) throw new GreenparkError('INPUT_INVALID', 'an alert is shelved until a time in the future');
    if (reason.trim() === '') throw new GreenparkError('INPUT_INVALID', 'shelving an alert needs a reason');
    const alert = this.#open.get(id) ?? (await this.#refuse(id));
    this.#handle('shelved', alert, { ...alert, shelvedUntil: until, shelvedBy: by, shelvedReason: reason }, entry);
    return await this.#durable(id);
  }

  async unshelve(id: string): Promise<Alert> {
    const alert = this.#open.get(id) ?? (await this.#refuse(id));
    if (alert.shelvedUntil === null) throw new GreenparkError('CONFLICT', `alert "${id}" is not shelved`);
    this.#takeDown(alert);
    return await this.#durable(id);
  }

  /** Shelves whose time is over. */
  tick(now: EpochMs): void {
    for (const alert of this.#open.values()) if (alert.shelvedUntil !== null && alert.shelvedUntil <= now) this.#takeDown(alert);
  }

  #takeDown(alert: Alert): void {
    this.#change('unshelved', { ...alert, shelvedUntil: null, shelvedBy: null, shelvedReason: null });
  }

  /** Only asked when the alert is not open: one that is must be changed in the same breath, or what ended meanwhile would stand again. */
  async #refuse(id: string): Promise<never> {
    if ((await this.#deps.records.get(id)) === null) throw new GreenparkError('NOT_FOUND', `there is no alert "${id}"`);
    throw new GreenparkError('CONFLICT', `alert "${id}" is resolved already`);
  }

  async #durable(id: string): Promise<Alert> {
    const alert = this.#open.get(id);
    await this.#journal.flush();
    // It may have been resolved while it was written; what was done to it before stands all the same.
    return this.#open.get(id) ?? alert ?? (await this.#refuse(id));
  }

  /** What a person did: its audit entry waits beside the alert for the same save. */
  #handle(kind: AlertChange['kind'], before: Alert, after: Alert, entry: AlertEntry | undefined): void {
    if (entry !== undefined) this.#journal.record(entry(before, after));
    this.#change(kind, after);
  }

  #change(kind: AlertChange['kind'], alert: Alert): void {
    if (alert.state === 'resolved') this.#open.delete(alert.id);
    else this.#open.set(alert.id, alert);
    this.#journal.put(alert);
    const change = { kind, at: this.#deps.clock(), alert };
    for (const listener of this.#listeners) {
      try {
        listener(change);
      } catch (error) {
        // One who listens badly must not keep the others, or the judging, from going on.
        this.#deps.logger.error({ err: error, alert: alert.id }, 'a listener to alerts failed');
      }
    }
  }
}
