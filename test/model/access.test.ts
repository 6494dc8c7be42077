import { expect } from 'chai';
import { covers, type Place, type Scope } from '../../model/access.ts';
import type { EnterpriseId, ParkId } from '../../model/ids.ts';

const park = (id: string) => id as ParkId;
const enterprise = (id: string) => id as EnterpriseId;

describe('a scope', () => {
  const whole: Place = { park: park('p1'), region: '510112', enterprise: null };
  const inside: Place = { ...whole, enterprise: enterprise('e1') };
  const cases: readonly { name: string; scope: Scope; place: Place; sees: boolean }[] = [
    { name: 'of the installation sees any park', scope: { kind: 'installation' }, place: whole, sees: true },
    { name: 'of a park sees its enterprises', scope: { kind: 'park', park: park('p1') }, place: inside, sees: true },
    { name: 'of a park does not see another park', scope: { kind: 'park', park: park('p2') }, place: inside, sees: false },
    { name: 'of a province sees its counties', scope: { kind: 'region', region: '51' }, place: inside, sees: true },
    { name: 'of a city sees its counties', scope: { kind: 'region', region: '5101' }, place: whole, sees: true },
    { name: 'of a county does not see the next county', scope: { kind: 'region', region: '510113' }, place: whole, sees: false },
    { name: 'of an enterprise sees itself', scope: { kind: 'enterprise', park: park('p1'), enterprise: enterprise('e1') }, place: inside, sees: true },
    {
      name: 'of an enterprise does not see another one',
      scope: { kind: 'enterprise', park: park('p1'), enterprise: enterprise('e2') },
      place: inside,
      sees: false,
    },
    {
      name: 'of an enterprise does not see the park as a whole',
      scope: { kind: 'enterprise', park: park('p1'), enterprise: enterprise('e1') },
      place: whole,
      sees: false,
    },
    {
      name: 'of an enterprise does not reach its namesake in another park',
      scope: { kind: 'enterprise', park: park('p2'), enterprise: enterprise('e1') },
      place: inside,
      sees: false,
    },
  ];
  for (const { name, scope, place, sees } of cases) it(name, () => expect(covers(scope, place)).to.equal(sees));
});
