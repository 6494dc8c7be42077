import { readFileSync } from 'node:fs';
import { expect } from 'chai';
import { REJECT_REASONS } from '../../ingest/reject-reasons.ts';

describe('the reasons of refusal', () => {
  it('stand in the contract with gateways as they stand in the program', () => {
    const text = readFileSync(new URL('../../../docs/mqtt.md', import.meta.url), 'utf8');
    const rows = [...text.matchAll(/^\| `([a-z0-9-]+)` \| ([a-z-]+) \| (.+) \|$/gm)].map(([, reason, stage, meaning]) => [reason, { stage, meaning }]);
    expect(Object.fromEntries(rows)).to.deep.equal(REJECT_REASONS);
  });
});
