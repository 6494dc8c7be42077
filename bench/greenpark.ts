import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { hashSecret, newSecret } from '../api/auth/secrets.ts';
import { importDocument } from '../store/registry/document.ts';
import { openRegistry } from '../store/registry/open.ts';
import type { Registry } from '../store/registry/port.ts';
import { meterId, PARK } from './load.ts';

export interface Service {
  readonly url: string;
  readonly pid: number;
  readonly folder: string;
  readonly token: string;
  /** Current value of a metric by its full name with labels, e.g. `x_total{outcome="accepted"}`; 0 where it is absent. */
  metrics(): Promise<ReadonlyMap<string, number>>;
  stop(): Promise<void>;
  /** Ends the process at once, as a power cut does to it. */
  kill(): Promise<void>;
  remove(): void;
}

/** What a bench service is started with: its data directory, and a token that may ask for its metrics. */
export interface Data {
  readonly folder: string;
  readonly token: string;
}

const PROGRAM = new URL('../cli/greenpark.js', import.meta.url).pathname;

/** A data directory with `meters` registered electricity meters and two limit rules on each. */
export async function prepareData(meters: number): Promise<Data> {
  const folder = mkdtempSync(join(tmpdir(), 'greenpark-bench-'));
  const registry = await openRegistry(join(folder, 'registry.db'));
  await importDocument(registry, documentOf(meters));
  const token = await putToken(registry);
  registry.close();
  return { folder, token };
}

/** The same, made with `greenpark registry import` in a process of its own; with the time that the command took. */
export async function importByCommand(meters: number): Promise<{ readonly data: Data; readonly seconds: number; readonly peakMb: number }> {
  const folder = mkdtempSync(join(tmpdir(), 'greenpark-bench-'));
  const file = join(folder, 'registry.json');
  writeFileSync(file, JSON.stringify(documentOf(meters)));
  const began = performance.now();
  const child = spawn(process.execPath, [PROGRAM, 'registry', 'import', file], {
    cwd: folder,
    env: environment(folder),
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  let peakMb = 0;
  const watch = setInterval(() => {
    if (child.exitCode === null) peakMb = Math.max(peakMb, usageOf(child as { readonly pid: number }).peakMb);
  }, 50);
  const code = await new Promise<number | null>((resolve) => child.once('exit', resolve));
  clearInterval(watch);
  if (code !== 0) throw new Error(`greenpark registry import ended with code ${code}`);
  const seconds = (performance.now() - began) / 1000;
  const registry = await openRegistry(join(folder, 'registry.db'));
  const token = await putToken(registry);
  registry.close();
  return { data: { folder, token }, seconds, peakMb };
}

function documentOf(meters: number): unknown {
  const rule = (id: string, quantity: string, value: number) => ({
    id,
    park: PARK,
    name: id,
    enabled: true,
    type: 'limit',
    subject: { kind: 'electricity' },
    quantity,
    level: 'yellow',
    side: 'above',
    value,
    judged: { by: 'instant' },
    deadband: 0,
    onDelaySeconds: 0,
    offDelaySeconds: 0,
  });
  return {
    parks: [{ id: PARK, name: '基准园区', region: '510112', timeZone: 'Asia/Shanghai' }],
    meters: Array.from({ length: meters }, (_, index) => ({
      id: meterId(index),
      park: PARK,
      enterprise: null,
      name: `电表 ${index}`,
      kind: 'electricity',
      parent: null,
      multiplier: 1,
      gateway: null,
      intervalSeconds: 60,
    })),
    rules: [rule('power-high', 'active_power', 1e6), rule('voltage-high', 'voltage_a', 1e5)],
  };
}

async function putToken(registry: Registry): Promise<string> {
  const token = newSecret();
  await registry.tokens.put({
    name: 'bench',
    role: 'operator',
    scope: { kind: 'installation' },
    secretHash: hashSecret(token),
    createdAt: Date.now(),
    expiresAt: null,
  });
  return token;
}

/** Nothing of the caller's own GREENPARK_ variables. */
const environment = (folder: string): Readonly<Record<string, string>> => ({ PATH: process.env['PATH'] ?? '', GREENPARK_DATA_DIR: folder });

/** The service as `greenpark serve` starts it, in a process of its own. */
export async function startService(data: Data, env: Readonly<Record<string, string>>): Promise<Service> {
  const child = spawn(process.execPath, [PROGRAM, 'serve'], {
    cwd: data.folder,
    env: {
      ...environment(data.folder),
      GREENPARK_HTTP_PORT: '0',
      GREENPARK_HTTP_HOST: '127.0.0.1',
      GREENPARK_LOG_LEVEL: 'warn',
      ...env,
    },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const url = await new Promise<string>((resolve, reject) => {
    createInterface({ input: child.stdout as NonNullable<typeof child.stdout> }).on('line', (line) => {
      const found = /http:\/\/\S+:(\d+)/.exec(line);
      if (found) resolve(`http://127.0.0.1:${found[1]}`);
    });
    child.once('exit', (code) => reject(new Error(`greenpark serve ended with code ${code} before it listened`)));
  });
  const ended = (signal: NodeJS.Signals) =>
    new Promise<void>((resolve) => {
      if (child.exitCode !== null || child.signalCode !== null) return resolve();
      child.once('exit', () => resolve());
      child.kill(signal);
    });
  return {
    url,
    pid: child.pid as number,
    folder: data.folder,
    token: data.token,
    async metrics() {
      const answer = await fetch(`${url}/metrics`, { headers: { authorization: `Bearer ${data.token}`, 'accept-encoding': 'identity' } });
      if (!answer.ok) throw new Error(`/metrics answered ${answer.status}`);
      const entries = (await answer.text())
        .split('\n')
        .filter((line) => line !== '' && !line.startsWith('#'))
        .map((line): [string, number] => [line.slice(0, line.lastIndexOf(' ')), Number(line.slice(line.lastIndexOf(' ') + 1))]);
      return new Map(entries);
    },
    stop: () => ended('SIGTERM'),
    kill: () => ended('SIGKILL'),
    remove: () => rmSync(data.folder, { recursive: true, force: true }),
  };
}

/** CPU seconds used so far and memory held by a process, from the kernel's accounting. */
export function usageOf(child: ChildProcess | { readonly pid: number }): { readonly cpuSeconds: number; readonly residentMb: number; readonly peakMb: number } {
  const fields = readFileSync(`/proc/${child.pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
  const status = readFileSync(`/proc/${child.pid}/status`, 'utf8');
  const kb = (name: string) => Number(new RegExp(`${name}:\\s+(\\d+)`).exec(status)?.[1] ?? 0);
  return { cpuSeconds: (Number(fields[11]) + Number(fields[12])) / 100, residentMb: kb('VmRSS') / 1024, peakMb: kb('VmHWM') / 1024 };
}
