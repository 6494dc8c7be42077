import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { connectAsync } from 'mqtt';
import { requireServer } from '../real-servers.ts';
import { Mosquitto } from '../servers/mosquitto.ts';
import { freePort } from '../servers/program.ts';
import { expectAllStoredOnce, publishLoad } from './counted-load.ts';

const PROGRAM = fileURLToPath(new URL('./ingest-process.js', import.meta.url));
const TOTAL = 3000;

/** Starts ingest in its own process; resolves when it takes messages. */
async function start(folder: string, port: number, broker: string | null): Promise<ChildProcess> {
  const args = broker === null ? [PROGRAM, folder, String(port)] : [PROGRAM, folder, String(port), broker];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  await said(child, 'ready');
  return child;
}

/** Resolves when the process prints the line; rejects when it ends before. */
function said(child: ChildProcess, line: string): Promise<void> {
  return new Promise((resolve, reject) => {
    let rest = '';
    child.stdout?.on('data', (bytes) => {
      const lines = (rest + String(bytes)).split('\n');
      rest = lines.pop() ?? '';
      if (lines.includes(line)) resolve();
    });
    child.once('exit', (code) => reject(new Error(`ingest ended with ${code} before it said "${line}"`)));
  });
}

async function end(child: ChildProcess, signal: 'SIGKILL' | 'SIGTERM'): Promise<void> {
  child.kill(signal);
  await once(child, 'exit');
}

describe('kill -9 of ingest under load, then a restart', function () {
  this.timeout(60_000);
  let folder: string;
  let child: ChildProcess | null = null;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'greenpark-crash-'));
  });

  afterEach(async () => {
    if (child !== null && child.exitCode === null && child.signalCode === null) await end(child, 'SIGKILL');
    await rm(folder, { recursive: true, force: true });
  });

  async function run(port: number, broker: string | null): Promise<void> {
    const running = await start(folder, port, broker);
    child = running;
    const from = Date.now() - TOTAL;
    const url = broker ?? `mqtt://127.0.0.1:${port}`;
    const client = await connectAsync(url, { clientId: 'gateway', clean: false, protocolVersion: 4, username: 'g-1', password: 'one', reconnectPeriod: 100 });
    client.on('error', () => {});
    let acknowledged = 0;
    let killed: Promise<void> | null = null;
    try {
      const onAcknowledged = () => {
        acknowledged++;
        if (acknowledged !== TOTAL / 3) return;
        killed = (async () => {
          await end(running, 'SIGKILL');
          child = await start(folder, port, broker);
        })();
      };
      await publishLoad([client], { from, more: (n) => n < TOTAL, onAcknowledged });
      await killed;
      // Mosquitto acknowledges before ingest has the message, but hands over in order: when the last one is stored, all are.
      const last = said(child as ChildProcess, `committed ${from + TOTAL}`);
      await client.publishAsync('parks/p-1/meters/m-1/readings', JSON.stringify({ ts: from + TOTAL, values: { active_power: 0 } }), { qos: 1 });
      await last;
      await end(child as ChildProcess, 'SIGTERM');
    } finally {
      await client.endAsync(true);
    }
    await expectAllStoredOnce(folder, { from, total: TOTAL });
  }

  it('every reading whose gateway had its PUBACK from the embedded broker is there once', async () => {
    await run(await freePort(), null);
  });

  it('every reading whose gateway had its PUBACK from a real Mosquitto is there once', async function () {
    const mosquitto = await Mosquitto.start(requireServer(this, 'mosquitto'));
    try {
      await run(0, mosquitto.url);
    } finally {
      await mosquitto.remove();
    }
  });
});
