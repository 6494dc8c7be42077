import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { resolve } from 'node:path';
import { expect } from 'chai';
import { GatewayTraffic } from '../../ingest/gateways/traffic.ts';
import { Hj212Server } from '../../ingest/transports/hj212-server.ts';
import type { MeterKind } from '../../model/meter-kinds.ts';
import type { Gateway, Park } from '../../model/registry.ts';
import { aMeter, aRig, directoryOf, quiet, until } from '../ingest/harness.ts';

const FILE = resolve('../shared/reference/data/hj212-frames.json');
/** Behind the newest of the frames. */
const NOW = Date.UTC(2026, 6, 8);

interface Row {
  readonly id: string;
  readonly frame: string;
  readonly length_ok: boolean;
  readonly crc_ok: boolean;
}

/** What becomes of a frame whose CRC and length are right, or taken as they are. */
interface Expected {
  readonly kind: MeterKind;
  /** Readings stored, and one of them. */
  readonly stored: number;
  readonly reading?: readonly [quantity: string, value: number];
  readonly refused?: Readonly<Record<string, number>>;
  readonly answers: 0 | 1;
}

/** Requests and answers of platforms among them, as they stand in public code. */
const EXPECTED: Readonly<Record<string, Expected>> = {
  'hj212-2017-std-1062': { kind: 'outfall', stored: 0, refused: { 'unknown-command': 1 }, answers: 0 },
  // "LA-td" is a typing error of its own.
  't212mapper-2011-c0c1': { kind: 'ambient', stored: 11, reading: ['so2', 58], refused: { 'unknown-quantity': 1 }, answers: 1 },
  // Factors that the catalogue does not have.
  't212mapper-2061-C181': { kind: 'ambient', stored: 0, refused: { 'unknown-quantity': 5 }, answers: 0 },
  't212mapper-9014-C241': { kind: 'outfall', stored: 0, answers: 0 },
  'hjt212-validator-a9c1': { kind: 'outfall', stored: 4, reading: ['cod', 18.0412], answers: 0 },
  'k-9021-4100': { kind: 'outfall', stored: 0, answers: 0 },
  'go-2051-D641': { kind: 'ambient', stored: 11, reading: ['o3_minute_avg', 63], answers: 0 },
  'cs-2051-8701': { kind: 'ambient', stored: 21, reading: ['sound_level_minute_avg', 41.7], refused: { 'unknown-quantity': 3 }, answers: 0 },
  'bocon-2011-2A80': { kind: 'stack', stored: 18, reading: ['stack_hcl_converted', 0], refused: { 'unknown-quantity': 1 }, answers: 0 },
  'bocon-2051-split-E981': { kind: 'outfall', stored: 19, reading: ['cod_minute_total', 0], refused: { 'unknown-quantity': 18 }, answers: 0 },
  'bocon-2051-split1-AB41': { kind: 'stack', stored: 25, reading: ['stack_so2_minute_avg', 0], refused: { 'unknown-quantity': 32 }, answers: 0 },
  'go-2061-5140': { kind: 'stack', stored: 23, reading: ['stack_nmhc_hour_max', 0.1988], refused: { 'unknown-quantity': 8 }, answers: 0 },
  'hcu-1072': { kind: 'ambient', stored: 0, refused: { 'unknown-command': 1 }, answers: 0 },
  'hcu-1011': { kind: 'ambient', stored: 0, refused: { 'unknown-command': 1 }, answers: 0 },
  'hcu-2011': { kind: 'ambient', stored: 0, refused: { empty: 1 }, answers: 0 },
  'hcu-2051': { kind: 'ambient', stored: 0, refused: { 'bad-time': 1 }, answers: 0 },
  'hcu-2031': { kind: 'ambient', stored: 0, refused: { 'bad-time': 1 }, answers: 0 },
  'hcu-1062': { kind: 'ambient', stored: 0, refused: { 'unknown-command': 1 }, answers: 0 },
  'hcu-9013': { kind: 'ambient', stored: 0, answers: 0 },
  'k29-2940': { kind: 'outfall', stored: 4, reading: ['ph', 6.951], refused: { 'unknown-quantity': 1 }, answers: 0 },
  'hj212-2025-A1': { kind: 'outfall', stored: 0, refused: { 'unknown-command': 1 }, answers: 0 },
  'sw-2011-1540': { kind: 'outfall', stored: 3, reading: ['bod5', 15.2], refused: { 'unknown-quantity': 2 }, answers: 1 },
  'sw-2061-5280': { kind: 'outfall', stored: 3, reading: ['ph_hour_avg', 6.6], refused: { 'unknown-quantity': 2 }, answers: 1 },
  // Flow and its register bear one code.
  'ww-2051-0440': { kind: 'outfall', stored: 26, reading: ['outfall_flow_minute_avg', 237.924], refused: { 'repeated-key': 3 }, answers: 1 },
  'ww-2051-D081': { kind: 'outfall', stored: 4, reading: ['cod_minute_avg', 27.3], answers: 1 },
  'ww-2051-CB81': { kind: 'outfall', stored: 4, reading: ['cod_minute_avg', 27.3], answers: 1 },
  'ack-9014-0140': { kind: 'outfall', stored: 0, answers: 0 },
  // A platform's request for history: BeginTime and EndTime, no DataTime.
  'ww-cmd2061-D581': { kind: 'outfall', stored: 0, refused: { 'bad-time': 1 }, answers: 0 },
  'ww-2005-90C1': { kind: 'outfall', stored: 23, reading: ['cod_hour_avg', 23.2], refused: { 'unknown-quantity': 3 }, answers: 0 },
  '9021-71C0': { kind: 'outfall', stored: 0, answers: 0 },
};

function expectedOf(id: string): Expected {
  const expected = EXPECTED[id];
  if (expected === undefined) throw new Error(`nothing is expected of the frame ${id}`);
  return expected;
}

describe('public HJ 212 frames, over TCP', function () {
  this.timeout(60_000);
  let rows: readonly Row[];
  before(function () {
    if (existsSync(FILE)) rows = (JSON.parse(readFileSync(FILE, 'utf8')) as { frames: readonly Row[] }).frames;
    else if (process.env['CI'] === 'true') throw new Error(`${FILE} is missing`);
    else this.skip();
  });

  /** Sends one frame to a server of its own and tells all that came of it. */
  async function send({ id, frame }: Row, faults: 'refuse' | 'take') {
    const { kind } = expectedOf(id);
    const meter = aMeter(1, { kind });
    const rig = aRig({ meters: [meter], clock: () => NOW });
    const mn = /MN=([A-Za-z0-9_-]+)/.exec(frame)?.[1];
    const link = { type: 'hj212', mn, meter: 'm-1', password: 'ignore', split: 'single', crc: faults, length: faults };
    const traffic = new GatewayTraffic('g-1');
    const server = await Hj212Server.start({
      ...{ port: 0, host: '127.0.0.1', intake: rig.pipeline, clock: () => NOW, logger: quiet, trafficOf: () => traffic },
      directory: {
        current: {
          ...directoryOf(meter),
          gateways: [{ id: 'g-1', park: 'p-1', name: 'Logger', link } as Gateway],
          park: () => ({ id: 'p-1', timeZone: 'Asia/Shanghai' }) as Park,
        },
      },
      checkSecret: () => Promise.reject(new Error('any password is taken')),
    });
    const socket = connect(server.address.port, '127.0.0.1');
    try {
      await once(socket, 'connect');
      socket.end(`${frame.trimEnd()}\r\n`);
      await until(() => server.stats.frames === 1 && rig.pipeline.stats.messages === 1, `the frame ${id}`);
      await rig.pipeline.drain();
      const { rejects } = rig.pipeline.stats;
      return {
        readings: rig.store.rows.map(([, quantity, , value]) => [quantity, value] as const),
        refused: Object.fromEntries(Object.entries(rejects).filter(([, count]) => count > 0)),
        answers: server.stats.answers,
        faults: [server.stats.wrongCrc, server.stats.wrongCrcTaken, server.stats.wrongLength, server.stats.wrongLengthTaken, traffic.tolerated],
      };
    } finally {
      socket.destroy();
      await server.stop(1000);
      await rig.pipeline.stop(1000);
    }
  }

  it('that are right, or faulty and taken, become readings or refusals as stated, and are counted', async () => {
    expect(rows.map(({ id }) => id)).to.have.members(Object.keys(EXPECTED));
    for (const row of rows) {
      const { stored, reading, refused = {}, answers } = expectedOf(row.id);
      const told = await send(row, 'take');
      expect({ stored: told.readings.length, refused: told.refused, answers: told.answers }, row.id).to.deep.equal({ stored, refused, answers });
      if (reading !== undefined) expect(told.readings, row.id).to.deep.include(reading);
      const [crc, length] = [Number(!row.crc_ok), Number(!row.length_ok)];
      expect(told.faults, row.id).to.deep.equal([crc, crc, length, length, Math.max(crc, length)]);
    }
  });

  it('that are faulty are refused and not answered where the link does not say otherwise; the others are taken as before', async () => {
    let faulty = 0;
    for (const row of rows) {
      const told = await send(row, 'refuse');
      const { stored, refused = {}, answers } = expectedOf(row.id);
      const reason = row.length_ok ? (row.crc_ok ? null : 'wrong-crc') : 'wrong-length';
      const expected = reason === null ? { stored, refused, answers } : { stored: 0, refused: { [reason]: 1 }, answers: 0 };
      expect({ stored: told.readings.length, refused: told.refused, answers: told.answers }, row.id).to.deep.equal(expected);
      expect(told.faults, row.id).to.deep.equal([Number(!row.crc_ok), 0, Number(!row.length_ok), 0, 0]);
      if (reason !== null) faulty++;
    }
    expect(faulty).to.equal(8);
  });
});
