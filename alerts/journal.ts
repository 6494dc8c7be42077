import type { Alert } from '../model/alert.ts';
import type { NewAuditEntry } from '../store/registry/port.ts';
import type { AlertEngineDeps } from './port.ts';

/** States alone, without a transition, are written this often. */
const STATES_EVERY_MS = 10_000;
/** After a save that failed. */
const RETRY_AFTER_MS = 1000;

/** What has changed since the last save, and the one save that is under way. A save that fails puts its alerts back: none is lost. */
export class AlertJournal {
  readonly #records: AlertEngineDeps['records'];
  readonly #logger: AlertEngineDeps['logger'];
  readonly #steady: () => number;
  /** States that changed since the last save, as text; called at the save, so that states and alerts are of one moment. */
  readonly #collectStates: (all: boolean) => Map<string, string>;
  #alerts = new Map<string, Alert>();
  #states = new Map<string, string>();
  #entries: NewAuditEntry[] = [];
  #gone = new Set<string>();
  #saving: Promise<void> | null = null;
  #statesSavedAt: number;
  #failedAt = Number.NEGATIVE_INFINITY;
  #wanted = false;

  constructor(deps: Pick<AlertEngineDeps, 'records' | 'logger' | 'clock' | 'steady'>, collectStates: (all: boolean) => Map<string, string>) {
    this.#records = deps.records;
    this.#logger = deps.logger;
    this.#steady = deps.steady ?? deps.clock;
    this.#collectStates = collectStates;
    this.#statesSavedAt = this.#steady();
  }

  /** Writes the alert soon, together with the states of the moment. */
  put(alert: Alert): void {
    this.#alerts.set(alert.id, alert);
    if (this.#wanted) return;
    this.#wanted = true;
    // After the block that is judged now: its transitions go in one transaction.
    queueMicrotask(() => {
      this.#wanted = false;
      this.#kick(false);
    });
  }

  /** An audit entry that belongs to the alert that is put next: both go in one save. */
  record(entry: NewAuditEntry): void {
    this.#entries.push(entry);
  }

  /** Writes the alert with the next save of states; for a peak that rose. */
  putLater(alert: Alert): void {
    this.#alerts.set(alert.id, alert);
  }

  /** The instance is no more: its state is deleted. */
  forget(instance: string): void {
    this.#states.delete(instance);
    this.#gone.add(instance);
  }

  tick(): void {
    const now = this.#steady();
    if (now - this.#failedAt < RETRY_AFTER_MS) return;
    if (now - this.#statesSavedAt >= STATES_EVERY_MS) this.#kick(true);
    else if (Number.isFinite(this.#failedAt)) this.#kick(false);
  }

  /** Resolved: everything up to the call is durable. Rejects when a save fails; what it held is kept for the next one. */
  async flush(): Promise<void> {
    while (this.#saving !== null) await this.#saving.catch(() => undefined);
    await this.#save(true);
  }

  #kick(allStates: boolean): void {
    if (this.#saving !== null) return;
    this.#save(allStates).catch((error: unknown) => this.#logger.error({ err: error }, 'alerts could not be saved; trying again'));
  }

  #save(allStates: boolean): Promise<void> {
    const saving = this.#write(allStates).finally(() => {
      this.#saving = null;
    });
    this.#saving = saving;
    return saving.then(() => {
      if (this.#alerts.size > 0 && !this.#wanted) this.#kick(false);
    });
  }

  async #write(allStates: boolean): Promise<void> {
    const alerts = this.#alerts;
    const gone = this.#gone;
    for (const [instance, state] of this.#collectStates(allStates)) this.#states.set(instance, state);
    const states = this.#states;
    const entries = this.#entries;
    this.#alerts = new Map();
    this.#states = new Map();
    this.#entries = [];
    this.#gone = new Set();
    const now = this.#steady();
    if (allStates) this.#statesSavedAt = now;
    try {
      if (alerts.size > 0 || states.size > 0 || entries.length > 0)
        await this.#records.save(
          [...alerts.values()],
          [...states].map(([instance, state]) => ({ instance, state })),
          entries,
        );
      const deleted = [...gone].filter((instance) => !states.has(instance));
      if (deleted.length > 0) await this.#records.deleteStates(deleted);
      this.#failedAt = Number.NEGATIVE_INFINITY;
    } catch (error) {
      this.#failedAt = now;
      // What came meanwhile is newer and stays.
      this.#alerts = new Map([...alerts, ...this.#alerts]);
      this.#states = new Map([...states, ...this.#states]);
      this.#entries = [...entries, ...this.#entries];
      this.#gone = new Set([...gone, ...this.#gone]);
      throw error;
    }
  }
}
