import { expect } from 'chai';
import type { Decoded } from '../../../ingest/codecs/decoded.ts';
import { GatewayBook } from '../../../ingest/gateways/book.ts';
import { MappingCodec } from '../../../ingest/mappings/codec.ts';
import { LeftOutBook } from '../../../ingest/mappings/left-out.ts';
import { SHIPPED_MAPPINGS } from '../../../ingest/mappings/shipped/index.ts';
import { MappingWatch } from '../../../ingest/mappings/watch.ts';
import type { UnknownMeterSighting } from '../../../ingest/port.ts';
import type { GatewayId, ParkId } from '../../../model/ids.ts';
import type { Mapping } from '../../../model/mapping.ts';
import { aMeter, aRig, directoryOf, NOW, until } from '../harness.ts';

const inPark = (park: string): Mapping[] => SHIPPED_MAPPINGS.map((shipped) => ({ ...shipped, park: park as ParkId }));

describe('ingest/mappings, in the pipeline', () => {
  it('count a message of which nothing is kept as left out, acknowledge it, and tell of it unless it is tried again', async () => {
    const meters = [aMeter(1), aMeter(2, { park: 'p-2' })];
    const codec = new MappingCodec({
      surroundings: () => ({ meter: (id) => meters.find((meter) => meter.id === id), gateway: () => undefined }),
      onFault: (_mapping, error) => {
        throw error;
      },
    });
    codec.load(inPark('p-1').map((mapping) => ({ ...mapping, enabled: true })));
    const directory = { current: { ...directoryOf(...meters), gateways: [{ id: 'g-1' as GatewayId }] } };
    const gateways = new GatewayBook(directory);
    const book = new LeftOutBook();
    const rig = aRig({ meters, codecs: [codec], gateways, onLeftOut: (sighting) => book.see(sighting) });
    const topic = 'application/1/device/ab/event/up';
    const message = (topic: string, payload: object) => ({ topic, payload: Buffer.from(JSON.stringify(payload)), gateway: null, receivedAt: NOW });
    const send = (topic: string, payload: object) =>
      new Promise<unknown>((resolve) => rig.pipeline.accept({ ...message(topic, payload), transport: 'mqtt' }, resolve));
    const uplink = (meter: string, object: object) => send(topic, { deviceInfo: { tags: { meter } }, object });
    expect(await uplink('m-1', { Battery: 3, kwh: 12 })).to.equal(undefined);
    await uplink('m-1', { Battery: 3, active_power: 5 });
    await uplink('m-1', { active_power: null });
    await uplink('m-2', { secret: 1 });
    await send('zigbee2mqtt/lamp', { power_a: 5 });
    await send('zigbee2mqtt/lamp/availability', { state: 'online' });
    const { accepted, leftOut, refused } = rig.pipeline.stats;
    expect({ accepted, leftOut, refused }).to.deep.equal({ accepted: 3, leftOut: 3, refused: 0 });
    expect(rig.letters.letters).to.deep.equal([]);
    expect([gateways.of('g-1').leftOut, gateways.of('g-1').readings, gateways.others.leftOut]).to.deep.equal([2, 1, 1]);
    const seen = () => book.list().map(({ park, mapping, kind, name, meter, count }) => [park, mapping, kind, name, meter, count]);
    const expected = [
      [null, 'chirpstack-v4', 'nothing-mapped', null, 'm-2', 1],
      ['p-1', 'chirpstack-v4', 'nothing-mapped', null, 'm-1', 1],
      ['p-1', 'zigbee2mqtt', 'not-taken', null, null, 1],
      // Another park's meter: its people alone, and those of the whole installation, may read what it sends.
      [null, 'chirpstack-v4', 'not-mapped', 'secret', 'm-2', 1],
      ['p-1', 'chirpstack-v4', 'not-mapped', 'Battery', 'm-1', 2],
      ['p-1', 'chirpstack-v4', 'not-mapped', 'kwh', 'm-1', 1],
      ['p-1', 'chirpstack-v4', 'nothing-measured', null, 'm-1', 1],
      ['p-1', 'chirpstack-v4', 'no-value', 'active_power', 'm-1', 1],
    ];
    expect(seen()).to.deep.equal(expected);

    const again = { ...message(topic, { deviceInfo: { tags: { meter: 'm-1' } }, object: { Battery: 3 } }), transport: 'mqtt', replayed: true };
    const decoded = await codec.decode(again);
    expect(decoded?.leftOut?.isWhole).to.equal(true);
    await new Promise((resolve) => rig.pipeline.acceptDecoded(again, decoded as Decoded, resolve));
    expect(seen()).to.deep.equal(expected);
  });

  it('make readings of mapped messages, refuse the rest with its reason, and follow the registry', async () => {
    const meters = [aMeter(1)];
    const codec = new MappingCodec({
      surroundings: () => ({ meter: (id) => meters.find((meter) => meter.id === id), gateway: () => undefined }),
      onFault: (_mapping, error) => {
        throw error;
      },
    });
    let registered: readonly Mapping[] = [];
    const told: (readonly string[])[] = [];
    const watch = new MappingWatch({ mappings: { all: async () => registered } as never }, codec, (topics) => void told.push(topics));
    registered = inPark('p-1');
    await watch.reload();
    await watch.reload();
    expect(told).to.have.length(1);
    expect(told[0]).to.include('zigbee2mqtt/#');
    const elsewhere = new MappingWatch(
      { mappings: { all: async () => registered } as never },
      codec,
      (topics) => void told.push(topics),
      () => false,
    );
    await elsewhere.reload();
    expect(told[1]).to.deep.equal([]);
    await watch.reload();
    expect(told[2]).to.deep.equal(told[0]);

    const rig = aRig({ meters, codecs: [codec] });
    const send = (topic: string, payload: string, retained = false): Promise<void> =>
      new Promise((resolve, reject) => {
        const message = { topic, payload: Buffer.from(payload), gateway: null, transport: 'mqtt', receivedAt: NOW, retained };
        rig.pipeline.accept(message, (error) => (error === undefined ? resolve() : reject(error)));
      });
    await Promise.all([
      send('zigbee2mqtt/m-1', JSON.stringify({ power: 1500, last_seen: NOW - 1000 })),
      send('zigbee2mqtt/m-1', '{"power": "much"}'),
      send('zigbee2mqtt/m-1', 'not JSON'),
      send('zigbee2mqtt/m-1', '{"state":"ON"}'),
      send('unmapped/m-1', '{}'),
      send('zigbee2mqtt/m-1', '{"power": 9}', true),
    ]);
    await until(() => rig.store.rows.length === 1, 'the one reading');
    expect(rig.store.rows).to.deep.equal([[1, 'active_power', -1000, 1.5, 'good']]);
    expect(rig.letters.letters.map(({ reason }) => reason)).to.have.members(['not-a-number', 'not-json', 'wrong-topic', 'retained-without-time']);
  });

  it('leave a message in nobody’s hands that two parks map and that names no meter of either', async () => {
    const meters = [aMeter(1), aMeter(2, { park: 'p-2' })];
    const codec = new MappingCodec({
      surroundings: () => ({ meter: (id) => meters.find((meter) => meter.id === id), gateway: () => undefined }),
      onFault: (_mapping, error) => {
        throw error;
      },
    });
    codec.load([...inPark('p-1'), ...inPark('p-2')].map((mapping) => ({ ...mapping, enabled: true })));
    const sightings: UnknownMeterSighting[] = [];
    const rig = aRig({ meters, codecs: [codec], onUnknownMeter: (sighting) => sightings.push(sighting) });
    const take = () => rig.send('{"power": 1500}', { topic: 'zigbee2mqtt/m-9' });
    await take();
    codec.load(inPark('p-2').map((mapping) => ({ ...mapping, enabled: true })));
    await take();
    expect(rig.letters.letters.map(({ reason, park }) => [reason, park])).to.deep.equal([
      ['unknown-meter', null],
      ['unknown-meter', 'p-2'],
    ]);
    expect(sightings.map(({ park }) => park)).to.deep.equal([null, 'p-2']);
  });
});
