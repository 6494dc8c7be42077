import type { Principal } from '../model/access.ts';
import type { ParkId } from '../model/ids.ts';
import type { ApiDeps } from './deps.ts';

export interface Change {
  readonly action: 'create' | 'replace' | 'delete' | 'secret' | 'correct' | 'acknowledge' | 'shelve' | 'sign-in' | 'sign-out';
  readonly park: ParkId | null;
  /** Kind and id of what was changed. */
  readonly subject: string;
  readonly id: string;
  /** As it was and as it is, without secrets; null where there was or is nothing. */
  readonly before: unknown;
  readonly after: unknown;
}

/** Writes a change that was made into the audit trail, and lets its maker see it: the directory is brought up to it. */
export async function audited(deps: ApiDeps, principal: Principal, change: Change): Promise<void> {
  const text = (value: unknown): string | null => (value === null || value === undefined ? null : JSON.stringify(value));
  await deps.registry.audit.append({
    at: deps.clock(),
    actor: principal.name,
    action: change.action,
    park: change.park,
    subject: change.subject,
    subjectId: change.id,
    before: text(change.before),
    after: text(change.after),
  });
  await deps.directory.refresh();
}
