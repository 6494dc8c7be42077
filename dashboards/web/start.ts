import type { RouteLocationRaw } from 'vue-router';
import type { Session } from './rest.ts';

/** Where somebody starts: an enterprise at its own page, everybody else at the park, or at the list when there are several. */
export function startOf(session: Session): RouteLocationRaw {
  const { scope, parks } = session;
  if (scope.kind === 'enterprise') return { name: 'enterprise', params: { park: scope.park, enterprise: scope.enterprise } };
  const only = parks.length === 1 ? parks[0] : undefined;
  return only === undefined ? { name: 'home' } : { name: 'park', params: { park: only.id } };
}
