import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { expect } from 'chai';
import mqtt, { type MqttClient } from 'mqtt';
import { parseMapping } from '../../ingest/recordings/mapping.ts';
import { type ReplayOptions, type ReplaySummary, replayRecording } from '../../ingest/recordings/replay.ts';
import { GreenparkError } from '../../model/errors.ts';
import { until } from '../ingest/harness.ts';
import { ISO, inFolder } from '../ingest/recordings/a-recording.ts';
import { requireServer } from '../real-servers.ts';
import { Mosquitto } from '../servers/mosquitto.ts';
import { freePort } from '../servers/program.ts';

interface Heard {
  readonly topic: string;
  readonly qos: number;
  readonly retain: boolean;
  readonly ts: number;
  readonly values: Record<string, number>;
}

const BEGIN = Date.UTC(2020, 0, 1);
const MINUTE = 60_000;
/** Values 0, 1, 2 … a minute apart. */
const minutes = (count: number): string =>
  `t,v\n${Array.from({ length: count }, (_, at) => `${new Date(BEGIN + at * MINUTE).toISOString()},${at}\n`).join('')}`;

const replay = (url: string, text: string, more: Partial<ReplayOptions> = {}): Promise<ReplaySummary> =>
  inFolder((folder) => {
    const file = join(folder, 'small.csv');
    writeFileSync(file, text);
    const mapping = parseMapping(ISO, 'test');
    return replayRecording({ file, mapping, url, speed: 0, asRecorded: false, loop: false, clock: Date.now, signal: new AbortController().signal, ...more });
  });

describe('replaying a recording', function () {
  this.timeout(30_000);
  let mosquitto: Mosquitto;
  let listener: MqttClient;
  let heard: Heard[] = [];

  before(async function () {
    mosquitto = await Mosquitto.start(requireServer(this, 'mosquitto'));
    listener = mqtt.connect(mosquitto.url, { protocolVersion: 4 });
    await new Promise((resolve) => listener.once('connect', resolve));
    await listener.subscribeAsync('#', { qos: 1 });
    listener.on('message', (topic, payload, { qos, retain }) =>
      heard.push({ topic, qos, retain, ...(JSON.parse(payload.toString()) as Pick<Heard, 'ts' | 'values'>) }),
    );
  });
  beforeEach(() => {
    heard = [];
  });
  after(async () => {
    await listener?.endAsync(true);
    await mosquitto?.remove();
  });

  it('publishes one message a row in the native contract, in order, at QoS 1, and counts every acknowledgement', async () => {
    const summary = await replay(mosquitto.url, minutes(1000), { asRecorded: true });
    expect(summary).to.include({ published: 1000, acknowledged: 1000, passes: 1, aborted: false });
    await until(() => heard.length >= 1000, 'the last message');
    expect(heard).to.have.length(1000);
    expect(heard[0]).to.deep.equal({ topic: 'parks/p-1/meters/m-1/readings', qos: 1, retain: false, ts: BEGIN, values: { pm2_5: 0 }, backfill: true });
    expect(heard.every(({ ts, values }, at) => ts === BEGIN + at * MINUTE && values['pm2_5'] === at)).to.equal(true);
  });

  it('moves the recording so that it ends now when it is sent as fast as possible', async () => {
    const before = Date.now();
    await replay(mosquitto.url, minutes(10));
    await until(() => heard.length === 10, 'the last message');
    const last = heard.at(-1)?.ts ?? 0;
    expect(last).to.be.within(before, Date.now());
    expect(heard.map(({ ts }) => ts - last)).to.deep.equal(Array.from({ length: 10 }, (_, at) => (at - 9) * MINUTE));
  });

  it('keeps the pace asked for, and says of each reading the moment at which it is sent', async () => {
    const before = Date.now();
    // Ten minutes at 600 times real speed: a row each 100 ms.
    await replay(mosquitto.url, minutes(11), { speed: 600 });
    const took = Date.now() - before;
    await until(() => heard.length === 11, 'the last message');
    expect(took).to.be.at.least(1000);
    const [first = 0, ...others] = heard.map(({ ts }) => ts);
    expect(others.map((ts) => ts - first)).to.deep.equal(Array.from({ length: 10 }, (_, at) => (at + 1) * 100));
  });

  it('gives each of two rows that fall due in one millisecond its own', async () => {
    await replay(mosquitto.url, minutes(100), { speed: 1e9 });
    await until(() => heard.length === 100, 'the last message');
    expect(new Set(heard.map(({ ts }) => ts)).size).to.equal(100);
  });

  it('begins again at the end until it is told to stop, and then waits for what is under way', async () => {
    const stop = new AbortController();
    const running = replay(mosquitto.url, minutes(20), { loop: true, signal: stop.signal, asRecorded: true });
    await until(() => heard.length > 100, 'the sixth pass');
    stop.abort();
    const summary = await running;
    expect(summary.aborted).to.equal(true);
    expect(summary.passes).to.be.at.least(6);
    expect(summary.acknowledged).to.equal(summary.published);
    await until(() => heard.length === summary.published, 'the last message');
  });

  it('stops at once while it waits for a row that is due tomorrow', async () => {
    const stop = new AbortController();
    const running = replay(mosquitto.url, `t,v\n2020-01-01,1\n2020-01-02,2\n`, { speed: 1, signal: stop.signal });
    await until(() => heard.length === 1, 'the first row');
    stop.abort();
    expect(await running).to.include({ published: 1, acknowledged: 1, aborted: true });
  });

  it('never has more messages under way than its window', async () => {
    // A broker that acknowledges nothing until it has been looked at.
    const sockets = new Set<Socket>();
    const ids: number[] = [];
    const server = createServer((socket) => {
      sockets.add(socket);
      let rest = Buffer.alloc(0);
      socket.on('data', (chunk: Buffer) => {
        rest = Buffer.concat([rest, chunk]);
        // Packets here are shorter than 128 bytes: type, length, then topic and packet id.
        while (rest.length >= 2 && rest.length >= 2 + (rest[1] ?? 0)) {
          const packet = rest.subarray(0, 2 + (rest[1] ?? 0));
          rest = rest.subarray(packet.length);
          const kind = (packet[0] ?? 0) >> 4;
          if (kind === 1) socket.write(Buffer.from([0x20, 2, 0, 0]));
          if (kind === 3) ids.push(packet.readUInt16BE(4 + packet.readUInt16BE(2)));
        }
      });
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const port = (server.address() as { port: number }).port;
    const running = replay(`mqtt://127.0.0.1:${port}`, minutes(12), { window: 5, asRecorded: true });
    for (const expected of [5, 10, 12]) {
      await until(() => ids.length === expected, `message ${expected}`);
      for (const socket of sockets) for (const id of ids.slice(expected === 12 ? 10 : expected - 5)) socket.write(Buffer.from([0x40, 2, id >> 8, id & 255]));
    }
    expect(await running).to.include({ published: 12, acknowledged: 12 });
    for (const socket of sockets) socket.destroy();
    server.close();
  });

  it('sends again after a broken connection what was not acknowledged', async () => {
    const stop = new AbortController();
    const running = replay(mosquitto.url, minutes(600), { speed: 60_000, asRecorded: true, signal: stop.signal });
    await until(() => heard.length > 50, 'the beginning');
    await mosquitto.stop();
    await mosquitto.start();
    const summary = await running;
    expect(summary).to.include({ published: 600, acknowledged: 600, aborted: false });
  });

  it('says when nobody answers', async () => {
    const port = await freePort();
    const error = await replay(`mqtt://someone:secret@127.0.0.1:${port}`, minutes(1)).then(
      () => null,
      (thrown: unknown) => thrown,
    );
    expect(error).to.be.instanceOf(GreenparkError);
    expect(error).to.include({ code: 'BROKER_UNREACHABLE', retryable: true });
    expect((error as Error).message).to.match(/^the broker at mqtt:\/\/127\.0\.0\.1:\d+ cannot be reached: .*ECONNREFUSED/);
  });
});
