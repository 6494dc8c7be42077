import type { EnterpriseId, MeterId } from '../model/ids.ts';
import type { RegisteredMeter } from '../model/registry.ts';
import type { ApiDeps } from './deps.ts';
import { notFound } from './problem.ts';
import type { View } from './route.ts';

/**
 * The view, narrowed to the enterprise that a query names.
 *
 * @throws GreenparkError `NOT_FOUND` for an enterprise that is not in the view, existing or not.
 */
export function narrowed(view: View, enterprise: EnterpriseId | undefined, { directory }: ApiDeps): View {
  if (enterprise === undefined || enterprise === view.enterprise) return view;
  const known = view.enterprise === null && directory.current.enterprise(view.park.id, enterprise) !== undefined;
  if (!known) throw notFound(`enterprise "${enterprise}" in the park "${view.park.id}"`);
  return { park: view.park, enterprise };
}

/** @throws GreenparkError `NOT_FOUND` for a meter that was deleted since the request was let in */
export function registeredMeter({ directory }: ApiDeps, id: MeterId): RegisteredMeter {
  const meter = directory.current.meter(id);
  if (meter === undefined) throw notFound(`meter "${id}"`);
  return meter;
}
