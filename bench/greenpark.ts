import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { hashSecret, newSecret } from '../api/auth/secrets.ts';
import { importDocument } from '../store/registry/document.ts';
import { openRegistry } from '../store/registry/open.ts';
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

/** A data directory with `meters` registered electricity meters and two limit rules on each. */
export async function prepareData(meters: number): Promise<{ readonly folder: string; readonly token: string }> {
  const folder = mkdtempSync(join(tmpdir(), 'greenpark-bench-'));
  const registry = await openRegistry(join(folder, 'registry.db'));
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
  await importDocument(registry, {
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
  });
  const token = newSecret();
  await registry.tokens.put({
    name: 'bench',
    role: 'operator',
    scope: { kind: 'installation' },
    secretHash: hashSecret(token),
    createdAt: Date.now(),
    expiresAt: null,
  });
  registry.close();
  return { folder, token };
}

/** The service as `greenpark serve` starts it, in a process of its own. */
export async function startService(data: { readonly folder: string; readonly token: string }, env: Readonly<Record<string, string>>): Promise<Service> {
  const program = new URL('../cli/greenpark.js', import.meta.url).pathname;
  const child = spawn(process.execPath, [program, 'serve'], {
    cwd: data.folder,
    env: {
      PATH: process.env['PATH'] ?? '',
      GREENPARK_DATA_DIR: data.folder,
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
