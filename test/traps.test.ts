import { readFileSync } from 'node:fs';
import { expect } from 'chai';

const textOf = (path: string): string => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');

describe('docs/traps.md', () => {
  const rows = textOf('docs/traps.md')
    .split('\n')
    .filter((line) => /^\| (?!---|trap )/.test(line))
    .map((line) => {
      const [, trap = '', , held = ''] = line.split(/ ?\| ?/);
      return { trap, tests: [...held.matchAll(/`([^`]+)` "([^"]+)"/g)].map(([, file = '', words = '']) => ({ file, words })), parts: held.split('; `').length };
    });

  it('has traps, each with the tests that hold it', () => {
    expect(rows).to.have.length.greaterThan(20);
    for (const { trap, tests, parts } of rows) expect(tests, trap).to.have.length(parts);
  });

  for (const { file, words } of rows.flatMap(({ tests }) => tests)) {
    it(`names a test that is there: ${file} "${words}"`, () => expect(textOf(`test/${file}`).includes(words)).to.equal(true));
  }
});
