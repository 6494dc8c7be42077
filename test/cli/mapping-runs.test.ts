import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { runTry } from '../../cli/mapping-runs.ts';

const MAPPING = { name: 'tried', topics: ['x/{meter}'], meter: '$topic.meter', time: { from: 't', as: 'milliseconds' }, values: { active_power: 'w' } };

describe('greenpark mapping try', () => {
  const folder = mkdtempSync(join(tmpdir(), 'greenpark-try-'));
  const [mapping, message] = [join(folder, 'mapping.json'), join(folder, 'message.json')];
  const { log } = console;
  let printed: string[] = [];
  before(() => writeFileSync(mapping, JSON.stringify(MAPPING)));
  after(() => rmSync(folder, { recursive: true }));

  /** What became of the command, as its exit code tells it. */
  async function outcomeAt(t: number): Promise<string> {
    printed = [];
    writeFileSync(message, JSON.stringify({ t, w: 1 }));
    console.log = (line: string) => void printed.push(line);
    try {
      await runTry(message, { mapping, topic: 'x/m-1' });
      return 'done';
    } catch (error) {
      return (error as Error).message;
    } finally {
      console.log = log;
    }
  }

  it('succeeds with a message that the service would take', async () => {
    expect(await outcomeAt(Date.now())).to.equal('done');
    expect(printed.at(-1)).to.equal('everything was taken');
  });

  it('fails for a time that the service refuses, and says what would be right', async () => {
    expect(await outcomeAt(1_768_449_600)).to.match(/nothing of it could be used/);
    expect(printed.join('\n')).to.match(/refused as time-too-old at time: .*1768449600000/);
    expect(await outcomeAt(Date.now() + 3_600_000)).to.match(/nothing of it could be used/);
    expect(printed.join('\n')).to.match(/refused as time-in-future at time: found .* s ahead/);
  });
});
