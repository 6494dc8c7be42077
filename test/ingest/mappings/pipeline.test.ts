import { expect } from 'chai';
import { MappingCodec } from '../../../ingest/mappings/codec.ts';
import { SHIPPED_MAPPINGS } from '../../../ingest/mappings/shipped/index.ts';
import { MappingWatch } from '../../../ingest/mappings/watch.ts';
import type { UnknownMeterSighting } from '../../../ingest/port.ts';
import type { ParkId } from '../../../model/ids.ts';
import type { Mapping } from '../../../model/mapping.ts';
import { aMeter, aRig, NOW, until } from '../harness.ts';

const inPark = (park: string): Mapping[] => SHIPPED_MAPPINGS.map((shipped) => ({ ...shipped, park: park as ParkId }));

describe('ingest/mappings, in the pipeline', () => {
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
