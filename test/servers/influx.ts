import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { freePort, Program } from './program.ts';

/**
 * A real influxd 1.x with a folder of its own, on free ports.
 *
 *     const influx = await Influx.start(requireServer(this, 'influxd'));
 *     await influx.kill();      // kill -9; or stop(): SIGTERM
 *     await influx.start();     // same port, same data; restart() is stop() and start()
 *     await influx.pause();     // frozen: connections open, nothing answered; resume()
 *     await influx.remove();    // in the end, always
 */
export class Influx extends Program {
  readonly url: string;

  private constructor(path: string, port: number, backupPort: number, http: readonly string[]) {
    super(path, 'influx', port);
    this.url = `http://127.0.0.1:${port}`;
    const config = [
      'reporting-disabled = true',
      `bind-address = "127.0.0.1:${backupPort}"`,
      '[meta]',
      `dir = "${this.folder}/meta"`,
      '[data]',
      `dir = "${this.folder}/data"`,
      `wal-dir = "${this.folder}/wal"`,
      'query-log-enabled = false',
      '[logging]',
      'level = "error"',
      '[http]',
      `bind-address = "127.0.0.1:${port}"`,
      'log-enabled = false',
      ...http,
    ];
    writeFileSync(join(this.folder, 'influxdb.conf'), `${config.join('\n')}\n`);
  }

  /** `http`: further lines of the section `[http]`, such as `auth-enabled = true` or `max-body-size = 1000`. */
  static async start(path: string, { http = [] }: { readonly http?: readonly string[] } = {}): Promise<Influx> {
    const influx = new Influx(path, await freePort(), await freePort(), http);
    await influx.start().catch(async (error: unknown) => {
      await influx.remove();
      throw error;
    });
    return influx;
  }

  protected override arguments(): readonly string[] {
    return ['-config', join(this.folder, 'influxdb.conf')];
  }

  protected override answers(): Promise<boolean> {
    return fetch(`${this.url}/ping`).then(
      (answer) => answer.status === 204,
      () => false,
    );
  }
}
