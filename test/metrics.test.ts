import { readFileSync } from 'node:fs';
import { expect } from 'chai';
import { CommitAges } from '../ingest/commit-ages.ts';
import { GatewayBook } from '../ingest/gateways/book.ts';
import { emptyStats } from '../ingest/sparkplug/stats.ts';
import { BrokerStats } from '../ingest/transports/broker-limits.ts';
import type { Hj212Stats } from '../ingest/transports/hj212-limits.ts';
import { createMetrics } from '../metrics.ts';
import type { GatewayId, ParkId } from '../model/ids.ts';
import { aRig, NOW } from './ingest/harness.ts';

const HJ212: Hj212Stats = {
  ...{ connections: 2, connectionsRefused: 1, timeOuts: 4, frames: 90, answers: 80, unknownDevice: 1, wrongPassword: 2, overlong: 0 },
  ...{
    wrongLength: 1,
    wrongCrc: 7,
    wrongLengthTaken: 0,
    wrongCrcTaken: 6,
    wrongLengthRefused: 1,
    wrongCrcRefused: 1,
    junkBytes: 12,
    packetsMissing: 3,
    missingValues: 8,
    slowed: 5,
  },
};

describe('the metrics', () => {
  const book = new GatewayBook({ current: { gateways: [{ id: 'g-1' as GatewayId }, { id: 'g-2' as GatewayId }] } });
  let text: string;
  const sampleOf = (sample: string) => {
    const line = text.split('\n').find((each) => each.startsWith(`${sample} `));
    return line === undefined ? undefined : Number(line.slice(sample.length + 1));
  };

  before(async () => {
    const rig = aRig({ gateways: book });
    const metrics = createMetrics({
      pipeline: rig.pipeline,
      ages: new CommitAges(),
      gateways: book,
      leftOut: { counts: () => [{ park: 'p-1' as ParkId, mapping: 'lora', kind: 'not-mapped', count: 4 }] },
      openAlerts: () => 0,
      watchers: () => 0,
      freeBytes: () => 1,
      connection: () => null,
      broker: () => Object.assign(new BrokerStats(), { signInsRefused: 3, packetsTooLong: 1 }),
      hj212: () => HJ212,
      sparkplug: () => ({ ...emptyStats(), nulls: 4, gaps: 2, messagesLost: 5 }),
      spool: { readings: 3, waitingBytes: 4096, lost: 0, limitBytes: 1 << 20, oldestTs: NOW },
    });
    book.of('g-1').connect();
    book.of('g-1').held = 2;
    book.of('g-1').tolerated = 6;
    await rig.send({ ts: NOW, values: { active_power: 5, nonsense: 1 } }, { gateway: 'g-1' });
    book.of('g-1').leftOut = 7;
    await rig.send('not json', { gateway: 'stranger-77' });
    text = await metrics();
  });

  it('stand in docs/operations.md, each with its type and labels, and no others', () => {
    const docs = readFileSync(new URL('../../docs/operations.md', import.meta.url), 'utf8');
    const told = [...docs.matchAll(/^\| `(greenpark_\w+)` \| (\w+) \|([^|]*)\|/gm)].map(([, name, type, labels = '']) => [
      name,
      type,
      labels.replaceAll('`', '').trim(),
    ]);
    const labelsOf = (name: string) => {
      const [, labels = ''] = new RegExp(`^${name}(?:_bucket)?\\{([^}]*)\\}`, 'm').exec(text) ?? [];
      return [...labels.matchAll(/(\w+)="/g)].flatMap(([, label]) => (label === 'le' ? [] : label)).join(', ');
    };
    const given = [...text.matchAll(/^# TYPE (greenpark_\w+) (\w+)$/gm)].map(([, name = '', type]) => [name, type, labelsOf(name)]);
    expect(told.sort()).to.deep.equal(given.sort());
  });

  it('follow Prometheus’ practice: counters end in _total, and what has a unit says it', () => {
    for (const [, name = '', type] of text.matchAll(/^# TYPE (greenpark_\w+) (\w+)$/gm)) expect(name.endsWith('_total'), name).to.equal(type === 'counter');
    expect(text).to.not.match(/^# TYPE greenpark_\w*(_ms|milliseconds|_mb|minutes)/m);
  });

  it('count per gateway, for registered ones alone and for all others together', () => {
    expect(sampleOf('greenpark_gateway_messages_total{gateway="g-1"}')).to.equal(1);
    expect(sampleOf('greenpark_gateway_readings_total{gateway="g-1"}')).to.equal(1);
    expect(sampleOf('greenpark_gateway_refused_total{gateway="g-1"}')).to.equal(1);
    expect(sampleOf('greenpark_gateway_held_total{gateway="g-1"}')).to.equal(2);
    expect(sampleOf('greenpark_gateway_last_seen_timestamp_seconds{gateway="g-1"}')).to.equal(NOW / 1000);
    expect(sampleOf('greenpark_gateway_last_seen_timestamp_seconds{gateway="g-2"}')).to.equal(0);
    expect(sampleOf('greenpark_gateway_connected{gateway="g-1"}')).to.equal(1);
    expect(sampleOf('greenpark_gateway_connected{gateway="g-2"}')).to.equal(undefined);
    expect(sampleOf('greenpark_gateway_messages_total{gateway="(other)"}')).to.equal(1);
    expect(text).to.not.include('stranger-77');
  });

  it('tell what mappings left out, by park, mapping and kind, and never by name', () => {
    expect(sampleOf('greenpark_mapping_left_out_total{park="p-1",mapping="lora",kind="not-mapped"}')).to.equal(4);
    expect(sampleOf('greenpark_ingest_messages_total{outcome="left-out"}')).to.equal(0);
    expect(sampleOf('greenpark_gateway_left_out_total{gateway="g-1"}')).to.equal(7);
    expect(sampleOf('greenpark_gateway_left_out_total{gateway="g-2"}')).to.equal(undefined);
  });

  it('tell what each transport refused, and what it took although it was faulty', () => {
    expect(sampleOf('greenpark_hj212_faulty_frames_total{fault="crc",result="taken"}')).to.equal(6);
    expect(sampleOf('greenpark_hj212_faulty_frames_total{fault="crc",result="refused"}')).to.equal(1);
    expect(sampleOf('greenpark_hj212_connections_ended_total{cause="time-out"}')).to.equal(4);
    expect(sampleOf('greenpark_hj212_incomplete_messages_total')).to.equal(3);
    expect(sampleOf('greenpark_hj212_missing_values_total')).to.equal(8);
    expect(sampleOf('greenpark_gateway_tolerated_total{gateway="g-1"}')).to.equal(6);
    expect(sampleOf('greenpark_gateway_tolerated_total{gateway="g-2"}')).to.equal(undefined);
    expect(sampleOf('greenpark_broker_refused_total{what="sign-in"}')).to.equal(3);
    expect(sampleOf('greenpark_broker_connections_ended_total{cause="packet-too-long"}')).to.equal(1);
    expect(sampleOf('greenpark_sparkplug_metrics_left_out_total{why="null"}')).to.equal(4);
    expect(sampleOf('greenpark_sparkplug_messages_lost_total')).to.equal(5);
  });

  it('tell of stages, queues and the spool', () => {
    expect(sampleOf('greenpark_ingest_stage_items_total{stage="store"}')).to.equal(1);
    expect(sampleOf('greenpark_ingest_stage_seconds_total{stage="store"}')).to.be.above(0);
    expect(sampleOf('greenpark_ingest_oldest_unacknowledged_seconds')).to.equal(0);
    expect(sampleOf('greenpark_ingest_pending_dead_letters')).to.equal(0);
    expect(sampleOf('greenpark_ingest_dead_letters_total{result="kept"}')).to.equal(2);
    expect(sampleOf('greenpark_spool_limit_bytes')).to.equal(1 << 20);
  });
});
