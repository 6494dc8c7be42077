import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { expect } from 'chai';
import type { ParkId } from '../../../model/ids.ts';
import type { OpenRegistry } from '../../../store/registry/open.ts';
import { aDocument, BY, errorOf, PARK, TestRegistry } from './park.ts';

describe('registry: while another process writes', function () {
  this.timeout(15_000);
  let files: TestRegistry;
  let registry: OpenRegistry;
  let other: ChildProcess | null = null;

  beforeEach(async () => {
    files = new TestRegistry();
    registry = await files.open();
    await registry.import(aDocument(), BY);
  });
  afterEach(async () => {
    if (other?.exitCode === null && other.signalCode === null) {
      other.kill('SIGKILL');
      await once(other, 'exit');
    }
    files.clean();
  });

  const lockedFor = async (ms: number): Promise<void> => {
    other = fork(new URL('./lock-child.js', import.meta.url), [files.file, String(ms)]);
    await once(other, 'message');
  };

  /** The longest time for which nothing else could happen while `work` was under way, in ms. */
  async function standstill(work: Promise<unknown>): Promise<number> {
    let longest = 0;
    let last = performance.now();
    const look = () => {
      const now = performance.now();
      longest = Math.max(longest, now - last);
      last = now;
    };
    const timer = setInterval(look, 5);
    await work.finally(() => {
      look();
      clearInterval(timer);
    });
    return longest;
  }

  const west = { id: 'west' as ParkId, name: 'W', region: '510100', timeZone: 'UTC' };

  it('waits with its own change without holding up the process, and reads go on meanwhile', async () => {
    await lockedFor(1500);
    const began = performance.now();
    const put = registry.parks.put(west);
    const readAfter = registry.parks.get(PARK).then((park) => [park?.id, performance.now() - began] as const);
    expect(await standstill(put)).to.be.below(400);
    expect(await put).to.equal('created');
    expect(performance.now() - began).to.be.above(1000);
    const [park, ms] = await readAfter;
    expect(park).to.equal(PARK);
    expect(ms).to.be.below(1000);
  });

  it('says after five seconds that the registry is held, and changes nothing', async () => {
    await lockedFor(7000);
    const began = performance.now();
    const { code, message } = await errorOf(registry.parks.put(west));
    expect([code, message.includes('held by another process for longer than 5000 ms')]).to.deep.equal(['STORE_UNREACHABLE', true]);
    expect(performance.now() - began).to.be.within(4900, 6500);
    expect(await registry.parks.get(west.id)).to.equal(null);
  });

  it('ends its waiting when it is closed', async () => {
    await lockedFor(3000);
    const refused = errorOf(registry.parks.put(west));
    await registry.parks.get(PARK);
    registry.close();
    expect((await refused).code).to.equal('STORE_CLOSED');
  });
});
