import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import type { Letter } from '../../ingest/dead-letters.ts';
import { createIngestDesk } from '../../ingest/desk.ts';
import { GatewayTraffic } from '../../ingest/gateways/traffic.ts';
import { Pipeline } from '../../ingest/pipeline.ts';
import { framesOf, Station, type StationMessage, type StationOptions } from '../../ingest/simulators/hj212-station.ts';
import { Hj212Devices } from '../../ingest/transports/hj212-devices.ts';
import { hj212Replay } from '../../ingest/transports/hj212-replay.ts';
import { Hj212Server, type Hj212ServerOptions } from '../../ingest/transports/hj212-server.ts';
import type { Hj212Link } from '../../model/gateway-link.ts';
import { LatestReadings } from '../../model/latest.ts';
import { quantityOf } from '../../model/quantities.ts';
import type { Gateway, Park } from '../../model/registry.ts';
import { openEmbeddedStore } from '../../store/embedded/open.ts';
import type { DeadLetter } from '../../store/registry/port.ts';
import { aMeter, aRig, directoryOf, NOW, quiet, RecordingLetters, type Rig, until } from '../ingest/harness.ts';
import { certificateAuthority } from '../servers/certificates.ts';

const PARK = { id: 'p-1', name: 'P', region: '320500', timeZone: 'Asia/Shanghai' } as Park;
const LOGGERS = 100;
const METERS = Array.from({ length: LOGGERS }, (_, at) => aMeter(at + 1, { kind: 'stack', gateway: `g-${at + 1}` }));
const gatewayOf = (at: number, link: Partial<Hj212Link>): Gateway =>
  ({ id: `g-${at}`, park: 'p-1', name: `G ${at}`, link: { type: 'hj212', mn: `MN${at}`, meter: `m-${at}`, ...link } }) as Gateway;

describe('HJ 212 over TCP', () => {
  let rig: Rig;
  let server: Hj212Server;
  const sockets: (Socket | Station)[] = [];

  const directory = (link: Partial<Hj212Link> = {}) => ({
    current: {
      ...directoryOf(...METERS),
      gateways: METERS.map((_, at) => gatewayOf(at + 1, link)),
      park: () => PARK,
    },
  });

  const devicesWith = (key: Uint8Array | null) => new Hj212Devices(directory(), { keyOf: async () => key, checkSecret: async () => false });

  async function open(link: Partial<Hj212Link> = {}, override: Partial<Hj212ServerOptions> = {}, limits: Parameters<typeof aRig>[0] = {}): Promise<void> {
    rig = aRig({ meters: METERS, ...limits });
    server = await Hj212Server.start({
      ...{ port: 0, host: '127.0.0.1', intake: rig.pipeline, directory: directory(link), clock: () => NOW, logger: quiet },
      checkSecret: async (gateway, secret) => secret === `secret of ${gateway}`,
      ...override,
    });
  }

  async function station(at = 1, more: Partial<Pick<StationOptions, 'pw' | 'tries' | 'crc' | 'answerWithinMs' | 'key'>> = {}): Promise<Station> {
    const made = await Station.connect({ host: '127.0.0.1', port: server.address.port, mn: `MN${at}`, pw: `secret of g-${at}`, ...more });
    sockets.push(made);
    return made;
  }

  async function raw(): Promise<Socket> {
    const socket = connect(server.address.port, '127.0.0.1');
    socket.on('error', () => {});
    await once(socket, 'connect');
    sockets.push(socket);
    return socket;
  }

  const message = (at: number, more: Partial<StationMessage> = {}): StationMessage => ({
    ...{ cn: '2011', st: '31', at: NOW - at * 1000, groups: ['a21026-Rtd=5,a21026-ZsRtd=6,a21026-Flag=N', 'a19001-Rtd=9,a19001-Flag=D'] },
    ...more,
  });
  const once1 = { tries: 1, answerWithinMs: 150 };
  const reasons = () => rig.letters.letters.map(({ reason }) => reason);

  afterEach(async () => {
    rig.store.release();
    for (const each of sockets.splice(0)) each instanceof Station ? each.close() : each.destroy();
    await server.stop(1000);
    await rig.pipeline.stop(1000);
  });

  it('answers after the commit and not before, and keeps flags', async () => {
    await open();
    rig.store.hang();
    const logger = await station();
    const sent = logger.send(message(0));
    await until(() => rig.store.attempts === 1, 'the write');
    expect([logger.answered, server.stats.answers]).to.deep.equal([0, 0]);
    rig.store.release();
    expect(await sent).to.equal(true);
    expect(rig.store.rows).to.deep.equal([
      [1, 'stack_so2', 0, 5, 'good'],
      [1, 'stack_so2_converted', 0, 6, 'good'],
      [1, 'stack_oxygen', 0, 9, 'fault'],
    ]);
  });

  it('stores NO₂ of a stack beyond what is possible in the open air as good, and what is below zero as out of range', async () => {
    await open();
    const logger = await station();
    expect(await logger.send(message(0, { groups: ['a21004-Rtd=45,a21004-ZsRtd=61,a21004-Flag=N', 'a21026-Rtd=-0.3,a21026-Flag=N'] }))).to.equal(true);
    const rows = rig.store.rows.map(([, quantity, , value, quality]) => [quantity, value, quality]);
    expect(rows).to.deep.include.members([
      ['stack_no2', 45, 'good'],
      ['stack_no2_converted', 61, 'good'],
      ['stack_so2', -0.3, 'range'],
    ]);
  });

  it('answers a heartbeat with 9013', async () => {
    await open();
    expect(await (await station()).send(message(0, { cn: '9015', groups: [] }))).to.equal(true);
  });

  it('answers what it does not use once its letter is durable, and what it does not know not at all', async () => {
    await open();
    rig.letters.awayFor = 3;
    expect(await (await station(1, { tries: 1 })).send(message(0, { cn: '2021', groups: ['SB1-RS=1'] }))).to.equal(true);
    expect(rig.letters.transactions).to.equal(4);
    expect(await (await station(1, once1)).send(message(0, { cn: '1072' }))).to.equal(false);
    expect(rig.letters.letters.map(({ reason, gateway, park }) => [reason, gateway, park])).to.deep.equal([
      ['unknown-command', 'g-1', 'p-1'],
      ['unknown-command', 'g-1', 'p-1'],
    ]);
    expect(rig.letters.letters[0]?.detail).to.match(/CN=2021 \(state of equipment\) is not used: the message rests here and was answered/);
    expect(String(rig.letters.letters[0]?.payload)).to.include('SB1-RS=1');
  });

  it('takes a message again that was sent twice, once', async () => {
    await open();
    const logger = await station();
    await logger.send(message(0));
    await logger.send(message(0, { resent: true }));
    expect([logger.answered, rig.store.size]).to.deep.equal([2, 3]);
  });

  it('joins split packets and answers once', async () => {
    await open();
    const groups = ['a21026-Rtd=5', 'a19001-Rtd=9', ...Array.from({ length: 60 }, (_, at) => `SB${at}-EFlag=${'x'.repeat(20)}`)];
    expect(await (await station()).send(message(0, { groups }))).to.equal(true);
    expect([server.stats.answers, rig.store.size]).to.deep.equal([1, 2]);
    expect(server.stats.frames).to.be.above(1);
  });

  it('keeps a letter of what is no name=value in one packet of several, which is refused again when it is tried again', async () => {
    await open();
    const groups = ['a21026-Rtd=5', 'a01012-Rtd=121,7', 'a19001-Rtd 9', ...Array.from({ length: 60 }, (_, at) => `SB${at}-EFlag=${'x'.repeat(20)}`)];
    expect(await (await station()).send(message(0, { groups }))).to.equal(true);
    expect(rig.store.rows.map(([, quantity, , value]) => [quantity, value])).to.deep.equal([['stack_so2', 5]]);
    expect(reasons()).to.have.members(['not-a-number', 'wrong-shape']);
    const { topic, payload, gateway } = rig.letters.letters[0] as Letter;
    const again = await hj212Replay(devicesWith(null)).decode({ topic, payload, gateway, transport: 'hj212', receivedAt: NOW });
    expect(again?.refusals.map(({ reason }) => reason)).to.deep.equal(['not-a-number', 'wrong-shape']);
  });

  it('does not answer a message of which nothing can be taken', async () => {
    await open();
    expect(await (await station(1, once1)).send(message(0, { groups: ['a01012-Rtd=121,7,a01012-Flag=N', 'garbage text'] }))).to.equal(false);
    expect(reasons()).to.have.members(['not-a-number', 'wrong-shape']);
  });

  it('answers a logger whose instruments are down and give no number, stores what it has, and counts what is missing', async () => {
    await open();
    const logger = await station(1, { tries: 1 });
    expect(await logger.send(message(2, { groups: ['a01012-Rtd=,a01012-Flag=B', 'a19001-Flag=D'] }))).to.equal(true);
    expect(await logger.send(message(1, { groups: ['a01012-Rtd=NaN,a01012-Flag=D', 'a21026-Rtd=5,a21026-Flag=N'] }))).to.equal(true);
    expect(rig.store.rows.map(([, quantity, , value]) => [quantity, value])).to.deep.equal([['stack_so2', 5]]);
    expect([reasons(), server.stats.missingValues]).to.deep.equal([[], 3]);
    expect(await (await station(1, once1)).send(message(0, { groups: ['a01012-Rtd=,a01012-Flag=N'] }))).to.equal(false);
    expect([reasons(), server.stats.missingValues]).to.deep.equal([['not-a-number'], 3]);
  });

  it('does not answer values for a foreign meter, whatever else is in the message', async () => {
    await open({ meter: 'm-3' as Hj212Link['meter'] });
    for (const other of ['PolNum=3', 'a01012-Flag=D'])
      expect(await (await station(1, once1)).send(message(0, { groups: ['a21026-Rtd=5', other] })), other).to.equal(false);
    expect(new Set(reasons())).to.deep.equal(new Set(['gateway-not-allowed']));
  });

  it('takes a logger whose number has blanks before it, and answers it', async () => {
    await open();
    const socket = await raw();
    socket.write(framesOf(message(0), '20260101080000000', { mn: ' MN1', pw: 'secret of g-1' })[0] ?? '');
    await until(() => server.stats.answers === 1, 'the answer');
    expect([rig.store.size, server.stats.unknownDevice]).to.deep.equal([3, 0]);
  });

  const faulty = [
    {
      title: 'a wrong CRC',
      link: { crc: 'take' } as const,
      change: (text: string) => text.replace(/....\r\n$/, '0F0F\r\n'),
      reason: 'wrong-crc',
      stat: 'wrongCrc',
    },
    {
      title: 'a wrong length',
      link: { length: 'take' } as const,
      change: (text: string) => text.replace(/^##..../, '##0999'),
      reason: 'wrong-length',
      stat: 'wrongLength',
    },
    {
      title: 'no length',
      link: { length: 'take' } as const,
      change: (text: string) => text.replace(/^##..../, '##'),
      reason: 'wrong-length',
      stat: 'wrongLength',
    },
  ] as const;
  for (const { title, link, change, reason, stat } of faulty) {
    for (const taken of [false, true]) {
      it(`${taken ? 'takes' : 'refuses'} a frame with ${title} where the link says so, and counts it`, async () => {
        const traffic = new GatewayTraffic('g-1');
        await open(taken ? link : {}, { trafficOf: () => traffic });
        const socket = await raw();
        const text = String(framesOf(message(0), '20260101080000000', { mn: 'MN1', pw: 'secret of g-1' })[0]);
        socket.write(change(text));
        await until(() => (taken ? rig.store.size === 3 : rig.letters.letters.length === 1), 'what becomes of it');
        expect([server.stats[stat], server.stats[`${stat}Taken`], traffic.tolerated]).to.deep.equal(taken ? [1, 1, 1] : [1, 0, 0]);
        expect(reasons()).to.deep.equal(taken ? [] : [reason]);
        expect(server.stats.answers).to.equal(taken ? 1 : 0);
      });
    }
  }

  it('takes no faulty frame whose password is wrong, whatever the link lets pass', async () => {
    await open({ crc: 'take' });
    const socket = await raw();
    const text = String(framesOf(message(0), '20260101080000000', { mn: 'MN1', pw: 'guess' })[0]);
    socket.write(text.replace(/....\r\n$/, '0F0F\r\n'));
    await until(() => rig.letters.letters.length === 1, 'the letter');
    expect(reasons()).to.deep.equal(['wrong-password']);
    expect([server.stats.wrongCrc, server.stats.wrongCrcTaken]).to.deep.equal([1, 0]);
  });

  it('flags what comes from a logger that is years behind, and nothing that is late by nature or marked as history', async () => {
    await open();
    const logger = await station();
    const day = 86_400_000;
    const sent = [
      { cn: '2031', at: NOW - day, groups: ['a21026-Avg=1'] },
      { cn: '2031', at: NOW - 900 * day, groups: ['a21026-Avg=2'] },
      { cn: '2061', at: NOW - 900 * day, groups: ['a21026-Avg=3'] },
      { cn: '2011', at: NOW - 900 * day, groups: ['a21026-Rtd=4'] },
      { cn: '2031', at: NOW - 800 * day, groups: ['a21026-Avg=5'], resent: true },
    ] as const;
    for (const each of sent) expect(await logger.send(message(0, each))).to.equal(true);
    expect(rig.store.rows.map(([, , , value, quality]) => [value, quality])).to.deep.equal([
      [1, 'good'],
      [2, 'clock'],
      [3, 'clock'],
      [4, 'clock'],
      [5, 'good'],
    ]);
  });

  it('takes the MODBUS CRC of a logger whose link names it, and answers with the same', async () => {
    await open({ crcKind: 'modbus' });
    expect(await (await station(1, { crc: 'modbus' })).send(message(0))).to.equal(true);
    expect(server.stats.wrongCrc).to.equal(0);
  });

  describe('encrypted', () => {
    const key = Buffer.from('0123456789abcdeffedcba9876543210', 'hex');
    const groups = ['a21026-Rtd=5', 'a19001-Rtd=9', ...Array.from({ length: 60 }, (_, at) => `SB${at}-EFlag=${'x'.repeat(20)}`)];

    it('is read with the key of its gateway, in one frame or in packets, and answered', async () => {
      await open({}, { keyOf: async (gateway) => (gateway === 'g-1' ? key : null) });
      const logger = await station(1, { key });
      expect(await logger.send(message(1))).to.equal(true);
      expect(await logger.send(message(0, { groups }))).to.equal(true);
      expect(rig.store.rows.map(([, quantity, , value]) => [quantity, value])).to.deep.equal([
        ['stack_so2', 5],
        ['stack_so2_converted', 6],
        ['stack_oxygen', 9],
        ['stack_so2', 5],
        ['stack_oxygen', 9],
      ]);
      expect([reasons(), server.stats.wrongCrc, server.stats.wrongLength]).to.deep.equal([[], 0, 0]);
    });

    it('is refused without a key, with another one, and where its CRC does not fit the plain text', async () => {
      const keys: Record<string, Uint8Array> = { 'g-2': Buffer.alloc(16), 'g-3': key };
      await open({}, { keyOf: async (gateway) => keys[gateway] ?? null });
      for (const at of [1, 2]) expect(await (await station(at, { ...once1, key })).send(message(0))).to.equal(false);
      const socket = await raw();
      const text = String(framesOf(message(0), '20260101080000000', { mn: 'MN3', pw: 'secret of g-3', key })[0]);
      socket.write(text.replace(/....\r\n$/, '0F0F\r\n'));
      await until(() => rig.letters.letters.length === 3, 'the letters');
      expect(rig.letters.letters.map(({ reason, gateway }) => [reason, gateway])).to.deep.equal([
        ['encrypted', 'g-1'],
        ['encrypted', 'g-2'],
        ['wrong-crc', null],
      ]);
      expect([rig.store.size, server.stats.answers]).to.deep.equal([0, 0]);
    });

    it('is tried again as a dead letter once its gateway has a key', async () => {
      await open();
      await (await station(1, { ...once1, key })).send(message(0));
      const { topic, payload, gateway } = rig.letters.letters[0] as Letter;
      const letter = { topic, payload, gateway, transport: 'hj212', receivedAt: NOW };
      const refusedAs = async (known: Uint8Array | null) => {
        const decoded = await hj212Replay(devicesWith(known)).decode(letter);
        return decoded?.refusals.map(({ reason }) => reason);
      };
      expect(await refusedAs(null)).to.deep.equal(['encrypted']);
      expect(await refusedAs(Buffer.alloc(16))).to.deep.equal(['encrypted']);
      expect((await hj212Replay(devicesWith(key)).decode(letter))?.frames[0]?.values).to.deep.include({ stack_so2: 5 });
    });
  });

  it('does not answer a wrong password, an unknown number, or a foreign meter; each is a dead letter', async () => {
    await open({}, { directory: { current: { ...directory().current, gateways: [gatewayOf(1, {}), gatewayOf(2, { meter: 'm-3' as Hj212Link['meter'] })] } } });
    expect(await (await station(1, { pw: 'guess', ...once1 })).send(message(0))).to.equal(false);
    expect(await (await station(77, once1)).send(message(0))).to.equal(false);
    expect(await (await station(2, once1)).send(message(0))).to.equal(false);
    expect(new Set(reasons())).to.deep.equal(new Set(['wrong-password', 'unknown-gateway', 'gateway-not-allowed']));
    expect([rig.store.size, server.stats.answers]).to.deep.equal([0, 0]);
  });

  it('looks at a hundred wrong passwords of a gateway’s letters, and no more for a while', async () => {
    let checks = 0;
    const devices = new Hj212Devices(directory(), {
      keyOf: async () => null,
      checkSecret: async () => {
        checks++;
        return false;
      },
    });
    const replay = hj212Replay(devices);
    for (let guess = 0; guess < 150; guess++) {
      const [payload] = framesOf(message(0), '20260101080000000', { mn: 'MN1', pw: `guess${guess}` });
      const decoded = await replay.decode({ topic: 'hj212/MN1', payload: payload as Buffer, gateway: null, transport: 'hj212', receivedAt: NOW });
      expect(decoded?.refusals.map(({ reason }) => reason)).to.deep.equal(['wrong-password']);
    }
    expect(checks).to.equal(100);
  });

  it('takes a logger’s own letters when it is registered, though a hundred with other passwords lie before them', async () => {
    await open();
    const devices = new Hj212Devices(directory(), { keyOf: async () => null, checkSecret: async (_, secret) => secret === 'right' });
    const letters = Array.from({ length: 121 }, (_, id) => {
      const [payload = Buffer.alloc(0)] = framesOf(message(id), '20260101080000000', { mn: 'MN1', pw: id === 120 ? 'right' : `guess${id}` });
      const about = { reason: 'unknown-gateway', detail: '', park: null, meter: null, isRetained: false, replayedAt: null, attempts: 0 };
      return { ...about, id, message: id, topic: 'hj212/MN1', transport: 'hj212', gateway: null, receivedAt: NOW + id, payload, keptLength: payload.length };
    }).map((letter) => ({ ...letter, payloadLength: letter.keptLength }));
    const records = {
      list: async () => letters as unknown as readonly DeadLetter[],
      payloads: async (ids: readonly number[]) => new Map(letters.filter(({ id }) => ids.includes(id)).map(({ id, payload }) => [id, payload])),
      tried: async () => {},
    };
    const desk = createIngestDesk({
      ...({ unknown: null, leftOut: null, overview: null } as unknown as Pick<Parameters<typeof createIngestDesk>[0], 'unknown' | 'leftOut' | 'overview'>),
      ...{ pipeline: rig.pipeline, letters: records, codecs: [hj212Replay(devices)], loggers: devices, clock: () => NOW },
    });
    const report = await desk.replay(await desk.lettersOfLogger('MN1', 'right'));
    expect(report).to.include({ accepted: 1, refused: 120 });
  });

  it('closes connections that only send what is no frame, are too many, or do not finish a frame', async () => {
    await open({}, { limits: { maxPerAddress: 2, frameMs: 50, maxStrangerBytes: 1000 } });
    const [noise, slow] = [await raw(), await raw()];
    const third = await raw();
    await once(third, 'close');
    noise.write('x'.repeat(2000));
    slow.write('##01');
    await Promise.all([once(noise, 'close'), once(slow, 'close')]);
    await until(() => server.stats.connections === 0, 'the end of both');
    expect(server.stats).to.include({ connectionsRefused: 1, overlong: 1, timeOuts: 1 });
  });

  it('loses nothing of a connection that is cut in the middle of a frame', async () => {
    await open();
    const [frame = Buffer.alloc(0)] = framesOf(message(0), '20260101080000000', { mn: 'MN1', pw: 'secret of g-1' });
    const socket = await raw();
    socket.write(frame.subarray(0, 70));
    await until(() => server.stats.connections === 1, 'the connection');
    socket.destroy();
    expect(await (await station()).send(message(0))).to.equal(true);
    expect([rig.store.size, rig.letters.letters.length]).to.deep.equal([3, 0]);
  });

  const frameOf = (at: number, number: number) =>
    Buffer.concat(framesOf(message(number), `202601010800${String(number).padStart(2, '0')}000`, { mn: `MN${at}`, pw: `secret of g-${at}` }));

  it('takes all that a logger has sent before it closed, though its password is looked up first', async () => {
    let lookUp = () => {};
    const looked = new Promise<void>((resolve) => {
      lookUp = resolve;
    });
    await open({}, { checkSecret: (gateway, secret) => looked.then(() => secret === `secret of ${gateway}`) });
    const socket = await raw();
    socket.end(Buffer.concat([3, 2, 1].map((number) => frameOf(1, number))));
    await until(() => server.stats.frames === 1, 'the first frame');
    lookUp();
    await until(() => rig.store.size === 9, 'all three');
    expect([server.stats.frames, rig.letters.letters.length]).to.deep.equal([3, 0]);
    await until(() => server.stats.connections === 0, 'the end');
  });

  it('takes it also where the pipeline was full', async () => {
    await open({}, {}, { limits: { maxPendingReadings: 20 } });
    rig.store.hang();
    const socket = await raw();
    socket.end(Buffer.concat(Array.from({ length: 30 }, (_, at) => frameOf(1, 30 - at))));
    await until(() => rig.pipeline.full, 'the pressure');
    rig.store.release();
    await until(() => rig.store.size === 90, 'all thirty');
  });

  it('answers a logger that has closed its own side', async () => {
    await open();
    const socket = await raw();
    const answers: Buffer[] = [];
    socket.on('data', (bytes: Buffer) => answers.push(bytes));
    socket.end(frameOf(1, 1));
    await once(socket, 'close');
    expect(Buffer.concat(answers).toString('latin1')).to.contain('CN=9014');
  });

  it('takes a frame of a wrong length without a line’s end when nothing follows, and at the end of the connection', async () => {
    await open({ length: 'take', crc: 'take' }, { limits: { frameMs: 30 } });
    const bare = (number: number) =>
      Buffer.from(
        frameOf(1, number)
          .toString('latin1')
          .replace(/^##\d{4}/, '##9999')
          .replace(/.{4}\r\n$/, ''),
        'latin1',
      );
    const socket = await raw();
    socket.write(bare(2));
    await until(() => rig.store.size === 3, 'the first');
    expect(socket.destroyed).to.equal(false);
    socket.end(bare(1));
    await until(() => rig.store.size === 6, 'the second');
    expect(server.stats.timeOuts).to.equal(0);
  });

  it('refuses a logger with a wrong password alone on a connection that speaks for several', async () => {
    await open({}, { limits: { strangeFrames: 3 } });
    const socket = await raw();
    const wrong = (number: number) => Buffer.concat(framesOf(message(number), '20260101080000000', { mn: 'MN2', pw: 'guess' }));
    socket.write(frameOf(1, 9));
    for (let number = 8; number > 3; number--) socket.write(wrong(number));
    socket.write(Buffer.concat([frameOf(2, 2), frameOf(1, 1)]));
    await until(() => rig.store.size === 6, 'both of the first logger');
    expect([server.stats.wrongPassword, socket.destroyed]).to.deep.equal([6, false]);
    expect(new Set(reasons())).to.deep.equal(new Set(['wrong-password']));
  });

  it('looks at nothing more of a connection that has tried enough passwords', async () => {
    let checks = 0;
    await open({}, { limits: { strangeFrames: 3 }, checkSecret: async () => ++checks < 0 });
    const socket = await raw();
    const guesses = Array.from({ length: 30 }, (_, at) => Buffer.concat(framesOf(message(at), '20260101080000000', { mn: `MN${at + 1}`, pw: `guess ${at}` })));
    socket.write(Buffer.concat(guesses));
    await once(socket, 'close');
    await until(() => server.stats.connections === 0, 'the end');
    expect([checks, server.stats.frames, server.stats.wrongPassword]).to.deep.equal([3, 3, 3]);
  });

  it('takes no more from a logger that reads no answers, until it does', async () => {
    await open({}, { limits: { framesPerSecond: 1e6 } });
    const socket = await raw();
    const frame = frameOf(1, 1);
    const many = Buffer.concat(Array.from({ length: 500 }, () => frame));
    let written = 0;
    // As much as it takes until it takes no more: nothing but time tells that nothing will come.
    for (let before = -1; written < 200 && before !== server.stats.frames; written++) {
      before = server.stats.frames;
      socket.write(many);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    expect(server.stats.frames).to.be.below(written * 500);
    socket.resume();
    await until(() => server.stats.frames === written * 500, 'the rest');
  });

  it('takes nothing while the pipeline is full and everything afterwards', async () => {
    await open({}, {}, { limits: { maxPendingReadings: 20 } });
    rig.store.hang();
    const logger = await station();
    const sent = Promise.all(Array.from({ length: 200 }, (_, at) => logger.send(message(200 - at))));
    await until(() => rig.pipeline.full, 'the pressure');
    const taken = rig.pipeline.stats.messages;
    expect(taken).to.be.below(20);
    rig.store.release();
    expect((await sent).every(Boolean)).to.equal(true);
    expect(rig.store.size).to.equal(600);
  });

  it('slows a logger that floods, and serves the others meanwhile', async () => {
    const traffic = new Map(['g-1', 'g-2'].map((id) => [id, new GatewayTraffic(id)]));
    await open({}, { limits: { framesPerSecond: 20 }, trafficOf: (id) => traffic.get(id) as GatewayTraffic });
    const [flood, other] = [await station(1, once1), await station(2)];
    const flooding = Promise.all(Array.from({ length: 400 }, (_, at) => flood.send(message(400 - at))));
    expect(await other.send(message(0))).to.equal(true);
    expect(server.stats.slowed).to.be.above(0);
    expect(server.stats.frames).to.be.below(260);
    const told = () => [...traffic.values()].map(({ held, isConnected }) => [held > 0, isConnected]);
    expect(told()).to.deep.equal([
      [true, true],
      [false, true],
    ]);
    flood.close();
    await flooding;
    await until(() => traffic.get('g-1')?.isConnected === false, 'the end of the flooder’s connection');
    expect(traffic.get('g-2')?.isConnected).to.equal(true);
  });

  it('closes a connection whose loggers the registry knows no more, and no other', async () => {
    const traffic = new Map(['g-1', 'g-2', 'g-3'].map((id) => [id, new GatewayTraffic(id)]));
    const registry = directory();
    await open({}, { directory: registry, limits: { frameMs: 20 }, trafficOf: (id) => traffic.get(id) as GatewayTraffic });
    const [left, kept] = [(await raw()).resume(), (await raw()).resume()];
    const send = (socket: Socket, at: number) => {
      for (const frame of framesOf(message(0), '20260101080000000', { mn: `MN${at}`, pw: `secret of g-${at}` })) socket.write(frame);
    };
    const connected = () => [...traffic.values()].map(({ isConnected }) => isConnected);
    send(left, 1);
    // A concentrator for two.
    send(kept, 2);
    send(kept, 3);
    await until(() => connected().every((is) => is === true), 'the first frame of each');
    registry.current = { ...registry.current, gateways: [gatewayOf(1, { mn: 'ANOTHER' }), gatewayOf(3, {})] };
    await once(left, 'close');
    await until(() => connected().join() === 'false,false,true', 'the end of the connections of two');
    send(kept, 3);
    await until(() => server.stats.frames === 4, 'the frame of the one that is left');
    expect([server.stats.connections, kept.destroyed]).to.deep.equal([1, false]);
  });

  it('speaks TLS with a certificate', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'hj212-'));
    try {
      const { ca, cert, key } = certificateAuthority(folder).issue('localhost');
      const pem = { cert: await readFile(cert, 'utf8'), key: await readFile(key, 'utf8') };
      await open({}, { tls: pem });
      const made = await Station.connect({
        host: 'localhost',
        port: server.address.port,
        mn: 'MN1',
        pw: 'secret of g-1',
        tls: { ca: await readFile(ca, 'utf8') },
      });
      sockets.push(made);
      expect(await made.send(message(0))).to.equal(true);
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  it('counts the same on both sides with 100 loggers and the embedded store', async function () {
    this.timeout(60_000);
    const folder = await mkdtemp(join(tmpdir(), 'hj212-'));
    const store = await openEmbeddedStore({ directory: join(folder, 'readings'), memoryLimitMb: 256, threads: 1 });
    await open();
    await server.stop();
    const letters = new RecordingLetters();
    const pipeline = new Pipeline({
      ...{ directory: { current: directoryOf(...METERS) }, latest: new LatestReadings(), store, deadLetters: letters, clock: () => NOW, logger: quiet },
      judge: () => {},
    });
    server = await Hj212Server.start({
      ...{ port: 0, host: '127.0.0.1', intake: pipeline, directory: directory(), clock: () => NOW, logger: quiet },
      checkSecret: async (gateway, secret) => secret === `secret of ${gateway}`,
    });
    try {
      const loggers = await Promise.all(METERS.map((_, at) => station(at + 1)));
      const answers = await Promise.all(loggers.flatMap((logger) => Array.from({ length: 20 }, (_, at) => logger.send(message(20 - at)))));
      expect(answers.filter(Boolean)).to.have.length(2000);
      const rows = [...(await store.latest())];
      expect(rows).to.have.length(300);
      expect([pipeline.stats.accepted, letters.letters.length]).to.deep.equal([2000, 0]);
      let stored = 0;
      for (const { ordinal: meter } of METERS) {
        for (const name of ['stack_so2', 'stack_so2_converted', 'stack_oxygen'] as const) {
          const series = await store.raw({ meter, quantity: quantityOf(name).code, from: NOW - 60_000, to: NOW + 1, limit: 1000 });
          stored += series.ts.length;
        }
      }
      expect(stored).to.equal(6000);
    } finally {
      await server.stop();
      await pipeline.stop();
      await store.close();
      await rm(folder, { recursive: true });
    }
  });
});
