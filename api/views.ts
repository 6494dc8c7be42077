import type { EnterpriseId } from '../model/ids.ts';
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
