import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import mqtt, { type MqttClient } from 'mqtt';
import { pino } from 'pino';
import { GATEWAYS, INTERVALS, METERS } from '../../demo/meters.ts';
import { dayStart, HOUR_MS } from '../../demo/physics/calendar.ts';
import { Plant } from '../../demo/plant.ts';
import { type Simulator, type SimulatorOptions, startSimulator } from '../../demo/simulator.ts';
import type { MeterKind } from '../../model/meter-kinds.ts';
import { requireServer } from '../real-servers.ts';

const SEED = 3;
const NOON = dayStart(40) + 12 * HOUR_MS;
const logger = pino({ level: 'silent' });

interface Frame {
  readonly ts: number;
  readonly values: Record<string, number>;
}

async function until(what: string, condition: () => boolean, deadlineMs = 15_000): Promise<void> {
  const end = Date.now() + deadlineMs;
  while (!condition()) {
    if (Date.now() > end) throw new Error(`waited ${deadlineMs} ms in vain for: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

describe('the simulator against a real broker', function () {
  this.timeout(60_000);
  let folder: string;
  let program: string;
  let port: number;
  let broker: ChildProcess | null = null;
  let observer: MqttClient;
  let simulator: Simulator | null = null;
  let readings: Map<string, Frame[]>;
  let statuses: Map<string, string>;

  const url = (): string => `mqtt://127.0.0.1:${port}`;

  async function startBroker(): Promise<void> {
    const started = spawn(program, ['-c', join(folder, 'mosquitto.conf')], { stdio: 'ignore' });
    broker = started;
    await until('mosquitto listens', () => observer?.connected === true);
  }

  async function stopBroker(): Promise<void> {
    const running = broker;
    if (running === null || running.exitCode !== null) return;
    const ended = new Promise<void>((resolve) => running.once('exit', () => resolve()));
    running.kill('SIGTERM');
    await ended;
    broker = null;
  }

  before(async function () {
    program = requireServer(this, 'mosquitto');
  });

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'greenpark-simulator-'));
    port = await new Promise<number>((resolve) => {
      const probe = createServer().listen(0, '127.0.0.1', () => {
        const address = probe.address();
        probe.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0));
      });
    });
    await writeFile(
      join(folder, 'mosquitto.conf'),
      `listener ${port} 127.0.0.1\nallow_anonymous true\nmax_queued_messages 0\npersistence true\npersistence_location ${folder}/\nuser root\n`,
    );
    readings = new Map();
    statuses = new Map();
    observer = mqtt.connect(url(), { protocolVersion: 4, clientId: 'observer', clean: false, reconnectPeriod: 100 });
    observer.on('error', () => undefined); // it waits for a broker that is not there yet
    observer.on('connect', () => void observer.subscribe('parks/#', { qos: 1 }));
    observer.on('message', (topic, payload) => {
      const [, , , meter = '', leaf] = topic.split('/');
      if (leaf === 'status') {
        statuses.set(meter, payload.toString());
        return;
      }
      const message = JSON.parse(payload.toString()) as Frame | Frame[];
      const known = readings.get(meter) ?? [];
      known.push(...(Array.isArray(message) ? message : [message]));
      readings.set(meter, known);
    });
    await startBroker();
  });

  afterEach(async () => {
    await simulator?.stop();
    simulator = null;
    await observer.endAsync(true);
    await stopBroker();
    await rm(folder, { recursive: true, force: true });
  });

  const start = async (options: Partial<SimulatorOptions>): Promise<Simulator> => {
    simulator = await startSimulator({
      url: url(),
      gateways: GATEWAYS.map(({ id }) => ({ gateway: id, username: id, password: 'any' })),
      seed: SEED,
      clock: () => NOON,
      history: null,
      logger,
      ...options,
    });
    return simulator;
  };
  const everySecond = Object.fromEntries(Object.keys(INTERVALS).map((kind) => [kind, 1])) as Record<MeterKind, number>;
  /** Goes with the real clock from noon of the test's day. */
  const running = (): (() => number) => {
    const begun = Date.now();
    return () => NOON + Date.now() - begun;
  };

  it('publishes the past of every meter in order of time and without a gap, then goes on live', async () => {
    const from = NOON - 6 * HOUR_MS;
    const started = await start({ clock: running(), history: { from, to: NOON, stepSeconds: 300 } });
    const report = await started.history;
    expect(report).to.include({ complete: true, frames: METERS.length * 72 });
    await until('every meter has its past and something live', () =>
      METERS.every((meter) => meter.intervalSeconds > 10 || (readings.get(meter.id)?.length ?? 0) > 72),
    );
    const plant = new Plant(SEED);
    for (const meter of METERS) {
      const frames = readings.get(meter.id) ?? [];
      expect(
        frames.slice(0, 72).map((frame) => frame.ts),
        meter.id,
      ).to.deep.equal(Array.from({ length: 72 }, (_, at) => from + at * 300_000));
      for (const frame of frames) expect(frame.values, meter.id).to.deep.equal(plant.read(meter.id, frame.ts));
      const live = frames.slice(72).map((frame) => frame.ts);
      for (let at = 1; at < live.length; at++) expect((live[at] ?? 0) - (live[at - 1] ?? 0), meter.id).to.equal(meter.intervalSeconds * 1000);
    }
  });

  it('says online for every meter, and offline when it stops', async () => {
    const started = await start({});
    const all = (word: string) => () => METERS.every((meter) => statuses.get(meter.id) === word);
    await until('all meters are online', all('online'));
    await started.stop();
    await until('all meters are offline', all('offline'));
    await started.stop();
  });

  it('sends what fell due while the broker was away, each reading once and none missing', async () => {
    const started = await start({ clock: running(), intervalSeconds: everySecond });
    await until('live readings', () => (readings.get('lq-in1')?.length ?? 0) >= 2);
    await stopBroker();
    await until('all gateways noticed', () => started.stats.connected === 0);
    const seen = readings.get('lq-air')?.length ?? 0;
    await startBroker();
    await until('readings after the outage', () => (readings.get('lq-air')?.length ?? 0) >= seen + 4);
    for (const meter of METERS) {
      // QoS 1 may say a message twice after an outage: the same reading, with the same value.
      const times = [...new Set((readings.get(meter.id) ?? []).map((frame) => frame.ts))].sort((a, b) => a - b);
      for (let at = 1; at < times.length; at++) {
        expect((times[at] ?? 0) - (times[at - 1] ?? 0), meter.id).to.equal(1000);
      }
    }
  });

  it('stops at once while the broker is away and while it is in its history', async () => {
    const started = await start({ history: { from: NOON - 30 * 24 * HOUR_MS, to: NOON, stepSeconds: 300 } });
    await until('the history has begun', () => started.stats.messages > 20);
    await stopBroker();
    await started.stop();
    expect((await started.history).complete).to.equal(false);
  });
});
