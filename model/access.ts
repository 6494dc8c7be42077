import type { EnterpriseId, ParkId } from './ids.ts';

/** Who people are: see docs/architecture.md. An `auditor` reads and never changes anything. */
export const ROLES = ['operator', 'committee', 'auditor', 'enterprise'] as const;
export type Role = (typeof ROLES)[number];

/** How far a principal sees. A region is a GB/T 2260 prefix: 51 a province, 5101 a city, 510112 a county. */
export type Scope =
  | { readonly kind: 'installation' }
  | { readonly kind: 'park'; readonly park: ParkId }
  | { readonly kind: 'region'; readonly region: string }
  | { readonly kind: 'enterprise'; readonly park: ParkId; readonly enterprise: EnterpriseId };

/** Somebody signed in: a person's session or an API token. */
export interface Principal {
  /** User name, or `token:<name>`. Written into the audit trail. */
  readonly name: string;
  readonly role: Role;
  readonly scope: Scope;
}

/** What is asked for: a park as a whole, or one enterprise in it. `region` is the park's six-digit code. */
export interface Place {
  readonly park: ParkId;
  readonly region: string;
  /** null: the park itself, its shared meters and figures over all enterprises. */
  readonly enterprise: EnterpriseId | null;
}

/** May the scope see this place? An enterprise's scope covers that enterprise alone, never the park as a whole. */
export function covers(scope: Scope, place: Place): boolean {
  switch (scope.kind) {
    case 'installation':
      return true;
    case 'park':
      return scope.park === place.park;
    case 'region':
      return place.region.startsWith(scope.region);
    case 'enterprise':
      return scope.park === place.park && scope.enterprise === place.enterprise;
  }
}
