import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Influx } from '../test/servers/influx.ts';
import { freePort } from '../test/servers/program.ts';
import { usageOf } from './greenpark.ts';
import { FRAMES, PARK, publishLoad } from './load.ts';
import { DATABASE, flowFor } from './node-red-flow.ts';
import { FIRST_TS, METERS, type Plan, startBroker, startInflux, until, WARM_UP_SHARE } from './sides.ts';

const FOLDER = fileURLToPath(new URL('../../bench/node-red/', import.meta.url));

/** The same messages through Node-RED's flow into a fresh InfluxDB: messages per second until the last one is stored. */
export async function measureNodeRed(plan: Plan): Promise<{ readonly messagesPerSecond: number; readonly cpuUsPerMessage: number }> {
  installed();
  const broker = await startBroker();
  const influx = await startInflux();
  await query(influx, `CREATE DATABASE ${DATABASE}`);
  const folder = mkdtempSync(join(tmpdir(), 'greenpark-node-red-'));
  let child: ChildProcess | null = null;
  try {
    child = await started(folder, broker.port, influx);
    const warmUp = Math.round(plan.messages * WARM_UP_SHARE);
    const frames = FRAMES[plan.kind];
    await publishLoad({ port: broker.port, kind: plan.kind, messages: warmUp, meters: METERS, firstTs: FIRST_TS, rate: null });
    await stored(influx, warmUp * frames);
    const before = usageOf({ pid: child.pid as number });
    const load = { port: broker.port, kind: plan.kind, messages: plan.messages, meters: METERS, firstTs: FIRST_TS + 86_400_000, rate: null };
    const { startedAt } = await publishLoad(load);
    const endedAt = await stored(influx, (warmUp + plan.messages) * frames);
    const after = usageOf({ pid: child.pid as number });
    return {
      messagesPerSecond: plan.messages / ((endedAt - startedAt) / 1000),
      cpuUsPerMessage: ((after.cpuSeconds - before.cpuSeconds) * 1e6) / plan.messages,
    };
  } finally {
    child?.kill('SIGKILL');
    rmSync(folder, { recursive: true, force: true });
    await influx.remove();
    await broker.remove();
  }
}

/** From npm, into the benchmark's own folder, when it is not there yet. */
function installed(): void {
  if (existsSync(join(FOLDER, 'node_modules/node-red/red.js'))) return;
  console.log('Installing Node-RED for the comparison (first time only) …');
  execFileSync('npm', ['install', '--no-save', '--no-package-lock', '--no-fund', '--no-audit', '--loglevel=error'], { cwd: FOLDER, stdio: 'inherit' });
}

async function started(folder: string, brokerPort: number, influx: Influx): Promise<ChildProcess> {
  const flow = flowFor({ brokerPort, influxPort: influx.port, topic: `parks/${PARK}/meters/+/readings` });
  writeFileSync(join(folder, 'flows.json'), JSON.stringify(flow));
  writeFileSync(
    join(folder, 'settings.js'),
    `module.exports = { flowFile: 'flows.json', nodesDir: ${JSON.stringify(join(FOLDER, 'node_modules/node-red-contrib-influxdb'))}, uiPort: ${await freePort()}, uiHost: '127.0.0.1', telemetry: { enabled: false }, logging: { console: { level: 'info' } } };\n`,
  );
  const child = spawn(process.execPath, [join(FOLDER, 'node_modules/node-red/red.js'), '-u', folder, '-s', join(folder, 'settings.js')], {
    env: { PATH: process.env['PATH'] ?? '' },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let said = '';
  child.stdout?.on('data', (chunk) => {
    said += String(chunk);
  });
  child.stderr?.on('data', (chunk) => {
    said += String(chunk);
  });
  await until('Node-RED is connected to the broker', async () => {
    if (child.exitCode !== null) throw new Error(`Node-RED ended: ${said.slice(-2000)}`);
    return said.includes('Connected to broker');
  });
  // Connected is said before the subscription is confirmed.
  await new Promise((resolve) => setTimeout(resolve, 1000));
  return child;
}

/** Waits until so many points are stored; answers when that was seen, ms. */
async function stored(influx: Influx, points: number): Promise<number> {
  await until(`${points} points are stored`, async () => (await count(influx)) >= points);
  return Date.now();
}

async function count(influx: Influx): Promise<number> {
  const answer = (await query(influx, `SELECT count(active_power) FROM "${DATABASE}".."readings"`)) as {
    readonly results: readonly { readonly series?: readonly { readonly values: readonly (readonly [unknown, number])[] }[] }[];
  };
  return answer.results[0]?.series?.[0]?.values[0]?.[1] ?? 0;
}

async function query(influx: Influx, text: string): Promise<unknown> {
  const answer = await fetch(`${influx.url}/query`, { method: 'POST', body: new URLSearchParams({ q: text }) });
  if (!answer.ok) throw new Error(`InfluxDB answered ${answer.status}: ${await answer.text()}`);
  return answer.json();
}
