import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface InfluxServer {
  readonly url: string;
  /** Ends the server as a crash would; its files stay for `restart`. */
  kill(): Promise<void>;
  restart(): Promise<void>;
  stop(): Promise<void>;
}

async function freePort(): Promise<number> {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new Error('no free port');
  return address.port;
}

/** A real influxd 1.x with a folder of its own, on free ports. */
export async function startInflux(program: string): Promise<InfluxServer> {
  const folder = await mkdtemp(join(tmpdir(), 'greenpark-influx-'));
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const config = join(folder, 'influxdb.conf');
  await writeFile(
    config,
    `reporting-disabled = true
bind-address = "127.0.0.1:${await freePort()}"
[meta]
  dir = "${folder}/meta"
[data]
  dir = "${folder}/data"
  wal-dir = "${folder}/wal"
  query-log-enabled = false
[http]
  bind-address = "127.0.0.1:${port}"
  log-enabled = false
[logging]
  level = "error"
`,
  );
  let child: ChildProcess | undefined;
  const restart = async (): Promise<void> => {
    child = spawn(program, ['-config', config], { stdio: 'ignore' });
    const deadline = Date.now() + 20_000;
    for (;;) {
      const alive = await fetch(`${url}/ping`).then(
        (answer) => answer.status === 204,
        () => false,
      );
      if (alive) return;
      if (Date.now() > deadline) throw new Error(`influxd did not answer at ${url} within 20 s`);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  };
  const kill = async (): Promise<void> => {
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    child.kill('SIGKILL');
    await once(child, 'exit');
  };
  await restart();
  return {
    url,
    kill,
    restart,
    stop: async () => {
      await kill();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
