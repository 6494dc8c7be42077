import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A running program with a folder of its own; `stop` ends it and removes the folder. */
export interface Server {
  readonly port: number;
  readonly pid: number;
  readonly folder: string;
  stop(): Promise<void>;
}

/** A real Mosquitto on a free port of the loopback interface that queues without bound, as docs/operations.md advises. */
export async function startMosquitto(extra: readonly string[] = []): Promise<Server> {
  const folder = mkdtempSync(join(tmpdir(), 'greenpark-mosquitto-'));
  const port = await freePort();
  const config = [`listener ${port} 127.0.0.1`, 'allow_anonymous true', 'max_queued_messages 0', 'max_inflight_messages 0', 'persistence false', ...extra];
  writeFileSync(join(folder, 'mosquitto.conf'), `${config.join('\n')}\n`);
  const child = spawn('/usr/sbin/mosquitto', ['-c', join(folder, 'mosquitto.conf')], { stdio: 'ignore' });
  await accepting(port, child);
  return server(child, port, folder);
}

/** A port of the loopback interface that nothing listens on at this moment. */
function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once('error', reject);
    probe.listen(0, '127.0.0.1', () => {
      const address = probe.address();
      probe.close(() => (typeof address === 'object' && address !== null ? resolve(address.port) : reject(new Error('no port'))));
    });
  });
}

async function accepting(port: number, child: ChildProcess): Promise<void> {
  const deadline = Date.now() + 15_000;
  while (Date.now() < deadline) {
    if (child.exitCode !== null) throw new Error(`${child.spawnfile} ended with code ${child.exitCode} before it listened on ${port}`);
    const open = await new Promise<boolean>((resolve) => {
      const socket = connect(port, '127.0.0.1');
      socket.once('connect', () => {
        socket.destroy();
        resolve(true);
      });
      socket.once('error', () => resolve(false));
    });
    if (open) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`${child.spawnfile} did not listen on port ${port} within 15 s`);
}

function server(child: ChildProcess, port: number, folder: string): Server {
  return {
    port,
    folder,
    pid: child.pid as number,
    stop: () =>
      new Promise((resolve) => {
        const gone = () => {
          rmSync(folder, { recursive: true, force: true });
          resolve();
        };
        if (child.exitCode !== null || child.signalCode !== null) return gone();
        child.once('exit', gone);
        child.kill('SIGTERM');
      }),
  };
}
