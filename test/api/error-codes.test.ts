import { readFileSync } from 'node:fs';
import { expect } from 'chai';
import { PROBLEM_CODES } from '../../api/problem.ts';

describe('the error codes', () => {
  it('are documented one by one, and none that does not exist', () => {
    const text = readFileSync(new URL('../../../docs/errors.md', import.meta.url), 'utf8');
    expect([...text.matchAll(/^\| `([A-Z_]+)` \|/gm)].map(([, code]) => code)).to.have.members([...PROBLEM_CODES]);
  });
});
