import { expect } from 'chai';
import type { EnterpriseId, MeterId, ParkId } from '../../../model/ids.ts';
import type { Meter } from '../../../model/registry.ts';
import { Directory, DirectoryWatch } from '../../../store/registry/directory.ts';
import type { OpenRegistry } from '../../../store/registry/open.ts';
import { aDocument, BY, PARK, TestRegistry } from './park.ts';

const fail = (error: unknown): never => {
  throw error;
};

describe('registry: directory', () => {
  let files: TestRegistry;
  let registry: OpenRegistry;

  beforeEach(async () => {
    files = new TestRegistry();
    registry = await files.open();
    await registry.import(aDocument(), BY);
  });
  afterEach(() => files.clean());

  it('answers what is registered, by id, ordinal, park and enterprise', async () => {
    const directory = await Directory.load(registry);
    const ids = (meters: readonly Meter[]) => meters.map((meter) => meter.id);
    const steel = directory.meter('m-steel');
    if (steel === undefined) throw new Error('m-steel is registered');
    expect([...directory.parks.keys()]).to.deep.equal(['north', 'south']);
    expect(directory.park('north')?.nameEn).to.equal('North');
    expect(directory.enterprise('north', 'steel')).to.include({ trade: '钢铁', tradeEn: 'Steel' });
    expect(directory.enterprise('south', 'steel')).to.equal(undefined);
    expect(directory.enterprisesOf('north').map((enterprise) => enterprise.id)).to.deep.equal(['glass', 'steel']);
    expect(directory.meterOf(steel.ordinal)).to.equal(steel);
    expect(directory.meterOf(0)).to.equal(undefined);
    expect(directory.meterOf(9999)).to.equal(undefined);
    expect(ids(directory.metersOf('north'))).to.deep.equal(['m-main', 'm-steel']);
    expect(ids(directory.metersOf('north', 'steel' as EnterpriseId))).to.deep.equal(['m-steel']);
    expect(ids(directory.metersOf('north', null))).to.deep.equal(['m-main']);
    expect(ids(directory.metersOf('nowhere'))).to.deep.equal([]);
    expect(directory.placeOf(steel)).to.deep.equal({ park: 'north', region: '510112', enterprise: 'steel' });
    expect(directory.placeOfEnterprise('nowhere' as ParkId, null).region).to.equal('');
    expect(directory.gateway('gw-1')?.park).to.equal('north');
    expect(directory.gateway('constructor')).to.equal(undefined);
  });

  it('knows deleted meters by their number and id alone, so that what waits for the store goes there under their names', async () => {
    const watch = await DirectoryWatch.open(registry, fail);
    const { ordinal } = watch.current.meter('m-south') ?? { ordinal: -1 };
    expect([watch.current.idOf(ordinal), watch.current.ordinalOf('m-south')]).to.deep.equal(['m-south', ordinal]);
    await registry.meters.delete('south' as ParkId, 'm-south' as MeterId);
    await watch.refresh();
    expect([watch.current.meter('m-south'), watch.current.meterOf(ordinal)]).to.deep.equal([undefined, undefined]);
    expect([watch.current.idOf(ordinal), watch.current.ordinalOf('m-south')]).to.deep.equal(['m-south', ordinal]);
    expect([watch.current.idOf(9999), watch.current.ordinalOf('nobody')]).to.deep.equal([undefined, undefined]);
  });

  it('of some parks alone shows nothing of the others, also after a change', async () => {
    const watch = await DirectoryWatch.open(registry, fail, ['south', 'nowhere']);
    const shown = () => [[...watch.current.parks.keys()], watch.current.meterCount, [...watch.current.gateways].map(({ id }) => id)];
    expect(shown()).to.deep.equal([['south'], 1, ['gw-south']]);
    const north = watch.current.meter('m-main');
    expect([north, watch.current.enterprise('north', 'steel')]).to.deep.equal([undefined, undefined]);
    await registry.import({ parks: [{ id: 'nowhere' as ParkId, name: 'n', region: '51', timeZone: 'Asia/Shanghai' }] }, BY);
    await watch.refresh();
    expect(shown()).to.deep.equal([['nowhere', 'south'], 1, ['gw-south']]);
  });

  it('shows a change after refresh, tells its listeners once, and leaves the view of before as it was', async () => {
    const watch = await DirectoryWatch.open(registry, fail);
    const before = watch.current;
    let told = 0;
    const stop = watch.onChange(() => told++);
    await watch.refresh();
    expect(watch.current).to.equal(before);
    await registry.meters.put({
      id: 'm-new' as MeterId,
      park: PARK,
      enterprise: null,
      name: 'n',
      kind: 'water',
      parent: null,
      multiplier: 1,
      gateway: null,
      intervalSeconds: 60,
    });
    await Promise.all([watch.refresh(), watch.refresh(), watch.refresh()]);
    expect(watch.current.meter('m-new')?.ordinal).to.equal(4);
    expect(before.meter('m-new')).to.equal(undefined);
    expect(told).to.equal(1);
    stop();
    await registry.meters.delete(PARK, 'm-new' as MeterId);
    await watch.refresh();
    expect(watch.current.meter('m-new')).to.equal(undefined);
    expect(told).to.equal(1);
  });

  it('waits for its listeners, and tells them again when one of them failed', async () => {
    const watch = await DirectoryWatch.open(registry, fail);
    let broken = true;
    let done = 0;
    watch.onChange(async () => {
      await new Promise(setImmediate);
      if (broken) throw new Error('not now');
      done++;
    });
    await registry.parks.put({ id: 'west' as ParkId, name: 'W', region: '510100', timeZone: 'UTC' });
    const failed = await watch.refresh().then(
      () => null,
      (error: Error) => error.message,
    );
    expect([failed, done, watch.current.park('west')?.name]).to.deep.equal(['not now', 0, 'W']);
    broken = false;
    await watch.refresh();
    expect(done).to.equal(1);
    await watch.refresh();
    expect(done).to.equal(1);
  });

  it('sees by itself what another process has changed', async () => {
    const watch = await DirectoryWatch.open(registry, fail);
    const changed = new Promise<void>((resolve) => watch.onChange(resolve));
    watch.start(5);
    const other = await files.open();
    await other.parks.put({ id: 'west' as ParkId, name: 'W', region: '510100', timeZone: 'UTC' });
    await changed;
    watch.stop();
    expect(watch.current.park('west')?.timeZone).to.equal('UTC');
  });
});
