import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { type ScopeOptions, scopeOf } from '../../cli/scope.ts';
import type { Scope } from '../../model/access.ts';
import { importDocument, parseRegistryDocument } from '../../store/registry/document.ts';
import { type OpenRegistry, openRegistry } from '../../store/registry/open.ts';

const REGISTERED = `
parks: [{ id: north, name: 北园, region: '510112' }]
enterprises: [{ id: steel, park: north, name: 钢铁公司, trade: steel, stage: admitted }]
`;

describe('how far somebody made on the command line sees', () => {
  let folder: string;
  let registry: OpenRegistry;

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'greenpark-scope-'));
    registry = await openRegistry(join(folder, 'registry.db'));
    await importDocument(registry, parseRegistryDocument(REGISTERED));
  });
  after(async () => {
    registry.close();
    await rm(folder, { recursive: true });
  });

  const given: readonly (readonly [options: ScopeOptions, scope: object])[] = [
    [{ role: 'operator' }, { kind: 'installation' }],
    [
      { role: 'operator', park: 'north' },
      { kind: 'park', park: 'north' },
    ],
    [
      { role: 'operator', region: '51' },
      { kind: 'region', region: '51' },
    ],
    [
      { role: 'committee', park: 'north' },
      { kind: 'park', park: 'north' },
    ],
    [
      { role: 'auditor', region: '510112' },
      { kind: 'region', region: '510112' },
    ],
    [
      { role: 'enterprise', park: 'north', enterprise: 'steel' },
      { kind: 'enterprise', park: 'north', enterprise: 'steel' },
    ],
  ];
  for (const [options, scope] of given) {
    it(`${JSON.stringify(options)} is ${JSON.stringify(scope)}`, async () => {
      expect(await scopeOf(options, registry)).to.deep.equal(scope as Scope);
    });
  }

  // What is passed over in silence would make somebody who sees more than was meant.
  const refused: readonly (readonly [options: ScopeOptions, why: string])[] = [
    [{ role: 'operator', park: 'nowhere' }, 'there is no park nowhere'],
    [{ role: 'operator', park: 'north', enterprise: 'steel' }, 'the role operator takes no --enterprise, only --park and --region'],
    [{ role: 'operator', park: 'north', region: '51' }, 'give --park or --region, or neither for all'],
    [{ role: 'operator', region: '5' }, '--region with 2, 4 or 6 digits is needed for the role operator'],
    [{ role: 'committee' }, '--park is needed for the role committee'],
    [{ role: 'committee', park: 'nowhere' }, 'there is no park nowhere'],
    [{ role: 'committee', park: 'north', enterprise: 'steel' }, 'the role committee takes no --enterprise, only --park'],
    [{ role: 'auditor' }, '--region with 2, 4 or 6 digits is needed for the role auditor'],
    [{ role: 'auditor', region: '51', park: 'north' }, 'the role auditor takes no --park, only --region'],
    [{ role: 'enterprise', park: 'north' }, '--enterprise is needed for the role enterprise'],
    [{ role: 'enterprise', park: 'north', enterprise: 'iron' }, 'there is no enterprise iron in the park north'],
    [{ role: 'enterprise', park: 'north', enterprise: 'steel', region: '51' }, 'the role enterprise takes no --region, only --park and --enterprise'],
  ];
  for (const [options, why] of refused) {
    it(`${JSON.stringify(options)} is refused: ${why}`, async () => {
      const message = await scopeOf(options, registry).then(
        () => 'nothing was refused',
        (error: Error) => error.message,
      );
      expect(message).to.contain(why);
    });
  }
});
