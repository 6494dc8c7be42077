import { expect } from 'chai';
import { type Device, type GatewayDirectory, Hj212Devices } from '../../../ingest/transports/hj212-devices.ts';
import type { GatewayId, ParkId } from '../../../model/ids.ts';
import type { Gateway } from '../../../model/registry.ts';

const logger = { id: 'g-1' as GatewayId, park: 'p-1' as ParkId, name: 'Logger', link: { type: 'hj212', mn: 'MN1', meter: 'm-1' } } as Gateway;
const aDirectory = (): GatewayDirectory => ({ gateways: [logger], park: () => undefined, meter: () => undefined });

describe('what is believed of a logger', () => {
  let source: { current: GatewayDirectory };
  let devices: Hj212Devices;
  let key: Uint8Array | null;
  /** Answers to questions about passwords and keys come once this is called. */
  let answer: () => void;
  let answered: Promise<void>;
  const device = () => devices.find('MN1') as Device;

  beforeEach(() => {
    source = { current: aDirectory() };
    key = new Uint8Array([1]);
    answered = new Promise((resolve) => {
      answer = resolve;
    });
    devices = new Hj212Devices(source, { checkSecret: (_, secret) => answered.then(() => secret === 'right'), keyOf: () => answered.then(() => key) });
  });

  it('is what was answered, whether the password fits or not', async () => {
    answer();
    expect(devices.believed(device(), 'right')).to.equal(undefined);
    expect([await devices.check(device(), 'right'), await devices.check(device(), 'wrong'), await devices.key(device())]).to.deep.equal([true, false, key]);
    expect([devices.believed(device(), 'right'), devices.believed(device(), 'wrong'), devices.believedKey(device())]).to.deep.equal([true, false, key]);
  });

  it('is asked again once the registry has changed: password or key may be others', async () => {
    answer();
    await Promise.all([devices.check(device(), 'right'), devices.key(device())]);
    source.current = aDirectory();
    expect([devices.believed(device(), 'right'), devices.believedKey(device())]).to.deep.equal([undefined, undefined]);
  });

  it('is not what was asked before the change and answered after it', async () => {
    const asked = Promise.all([devices.check(device(), 'right'), devices.key(device())]);
    source.current = aDirectory();
    // A frame of any logger has the new one read.
    device();
    answer();
    expect(await asked).to.deep.equal([true, key]);
    expect([devices.believed(device(), 'right'), devices.believedKey(device())]).to.deep.equal([undefined, undefined]);
  });
});
