import { expect } from 'chai';
import { mappingFaults } from '../../../ingest/mappings/compile.ts';
import { SHIPPED_MAPPINGS, shippedMapping } from '../../../ingest/mappings/shipped/index.ts';
import { tryMapping } from '../../../ingest/mappings/try.ts';
import type { MappingBody, Tried } from '../../../model/mapping.ts';
import { bytesOfSample, SAMPLES } from './samples.ts';

const NOW = Date.UTC(2026, 0, 15, 4, 0, 30);

/** A mapping without its id. */
function bodyOf(id: string): MappingBody {
  const { id: _id, ...body } = shippedMapping(id);
  return body;
}

const shown = ({ value, unit, flag }: Tried['frames'][number]['values'][number]): string =>
  [String(value), ...(unit === null ? [] : [unit]), ...(flag === 'good' ? [] : [flag])].join(' ');

describe('ingest/mappings, as shipped', () => {
  for (const sample of SAMPLES) {
    it(`${sample.mapping}: ${sample.name}`, async () => {
      const tried = await tryMapping(bodyOf(sample.mapping), sample.topic, bytesOfSample(sample), NOW, sample.gateway ?? null);
      const frames = tried.frames.map(({ meter, ts, values }) => [meter, ts, Object.fromEntries(values.map((one) => [one.quantity, shown(one)]))]);
      expect(
        { frames, failures: tried.failures.map(({ at, reason }) => [at, reason]), outcome: tried.outcome === 'left-alone' },
        JSON.stringify(tried, null, 1),
      ).to.deep.equal({ frames: sample.frames, failures: sample.failures ?? [], outcome: sample.leftAlone ?? false });
    });
  }

  it('take a topic prefix of several levels where a copy names it', async () => {
    const copy = { ...bodyOf('shelly-3em'), topics: ['hall-3/em/{meter}/events/rpc'] };
    const message = { method: 'NotifyStatus', params: { ts: NOW / 1000, 'em:0': { total_act_power: 500 } } };
    const tried = await tryMapping(copy, 'hall-3/em/shelly-1/events/rpc', Buffer.from(JSON.stringify(message)), NOW, null);
    expect(tried.frames.map(({ meter, values }) => [meter, values.map(({ quantity, value }) => [quantity, value])])).to.deep.equal([
      ['shelly-1', [['active_power', 0.5]]],
    ]);
  });

  it('read a meter that sends the low word first where a copy says so', async () => {
    const { values, ...rest } = bodyOf('modbus-registers');
    const copy = { ...rest, values: { ...values, active_energy_import: { from: '$uint($registers([r."4001", r."4000"]), 0, 4)', scale: 0.01, unit: 'kWh' } } };
    const registers = [1, 57920].map((value, at) => ({ address: 4001 - at, value }));
    const tried = await tryMapping(copy, 'modbus/rtu-1/registers', Buffer.from(JSON.stringify({ devices: [{ id: 'm-1', registers }] })), NOW, null);
    expect(tried.frames.map((frame) => frame.values.map(shown))).to.deep.equal([['1234.56 kWh']]);
  });

  it('take the combined active energy for import where a copy says that the meter only draws', async () => {
    const { named, ...rest } = bodyOf('dlt645-hex');
    const names = { ...named?.names, '00000000': { quantity: 'active_energy_import', unit: 'kWh' } };
    const copy: MappingBody = { ...rest, named: { from: named?.from ?? '', names } };
    const frame = '68 12 34 56 78 90 12 68 91 08 33 33 33 33 AB 89 67 45 CB 16';
    const tried = await tryMapping(copy, 'dlt645/dtu-1/frames', Buffer.from(JSON.stringify({ frames: [frame] })), NOW, null);
    expect(
      tried.frames.map((one) => one.values.map(shown)),
      JSON.stringify(tried.failures),
    ).to.deep.equal([['123456.78 kWh']]);
  });

  it('take the backlog of a gateway in one message, thousands of items', async () => {
    const items = Array.from({ length: 5000 }, (_, at) => ({ ts: NOW - 10_000_000 + at * 1000, values: { power: at, energy: at } }));
    const tried = await tryMapping(bodyOf('thingsboard-gateway'), 'v1/gateway/telemetry', Buffer.from(JSON.stringify({ 'm-1': items })), NOW, null);
    expect([tried.failures, tried.outcome === 'left-alone']).to.deep.equal([[], false]);
  }).timeout(10_000);

  it('are all valid, say where their form is described, and each has a sample', () => {
    for (const { id, ...body } of SHIPPED_MAPPINGS) {
      expect(mappingFaults(body), id).to.deep.equal([]);
      expect(body.source, id).to.be.a('string');
      expect(SAMPLES.filter(({ mapping, frames }) => mapping === id && frames.length > 0)).not.to.have.length(0);
    }
    expect(new Set(SHIPPED_MAPPINGS.map(({ id }) => id)).size).to.equal(SHIPPED_MAPPINGS.length);
  });
});
