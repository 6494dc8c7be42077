import type { Principal } from '../model/access.ts';
import type { EpochMs, ParkId } from '../model/ids.ts';
import type { NewAuditEntry } from '../store/registry/port.ts';
import type { ApiDeps } from './deps.ts';

export interface Change {
  readonly action:
    | 'create'
    | 'replace'
    | 'delete'
    | 'secret'
    | 'key'
    | 'correct'
    | 'correct-failed'
    | 'declare'
    | 'acknowledge'
    | 'shelve'
    | 'dismiss'
    | 'replay'
    | 'replayed';
  readonly park: ParkId | null;
  /** Kind and id of what was changed. */
  readonly subject: string;
  readonly id: string;
  /** As it was and as it is, without secrets; null where there was or is nothing. */
  readonly before: unknown;
  readonly after: unknown;
}

/** A change as the audit trail keeps it. */
export function entryOf(principal: Principal, { action, park, subject, id, before, after }: Change, at: EpochMs): NewAuditEntry {
  const text = (value: unknown): string | null => (value === null || value === undefined ? null : JSON.stringify(value));
  return { at, actor: principal.name, action, park, subject, subjectId: id, before: text(before), after: text(after) };
}

/** What a change answers, and what of it belongs into the audit trail; null when nothing was changed. */
export interface Made<T> {
  readonly result: T;
  readonly entry: Change | readonly Change[] | null;
}

/**
 * Makes a change of the registry together with its audit entry: one transaction, so that neither is ever there without the other. `make`
 * works with the deps handed to it, whose registry is the transaction. Resolved: the change is in force, as the directory and all who
 * listen to it are brought up to it.
 */
export async function audited<T>(deps: ApiDeps, principal: Principal, make: (deps: ApiDeps) => Promise<Made<T>>): Promise<T> {
  const result = await deps.registry.change(async (records) => {
    const made = await make({ ...deps, registry: { ...records, change: (work) => work(records) } });
    for (const entry of [made.entry ?? []].flat()) await records.audit.append(entryOf(principal, entry, deps.clock()));
    return made.result;
  });
  await deps.directory.refresh();
  return result;
}
