import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { freePort, listens, Program } from './program.ts';

export interface MosquittoOptions {
  /** Whether sessions and queued messages outlive a restart; after `kill` what was saved last (`autosave_interval`, in seconds). Default true. */
  readonly persistence?: boolean;
  /** Passwords by user name: whoever is not among them is refused. Default: anybody may connect. Needs `mosquitto_passwd`. */
  readonly users?: Readonly<Record<string, string>>;
  /**
   * Lines of the access list (acl_file), such as `user g1` and `topic write parks/+/meters/m1/#`. Mosquitto 2.0.11 acknowledges a
   * publication that the list refuses and then ends the connection.
   */
  readonly acl?: readonly string[];
  /** Paths of PEM files (see certificates.ts). With `clientCa` only clients with a certificate of that authority may connect. */
  readonly tls?: { readonly cert: string; readonly key: string; readonly clientCa?: string };
  /** A second listener, for WebSocket. */
  readonly webSocketPort?: number;
  /** Further lines of mosquitto.conf; one with the same first word as a line of ours replaces it. Example: `max_inflight_messages 20`. */
  readonly config?: readonly string[];
}

/**
 * A real Mosquitto on a free port that queues without bound, as docs/operations.md advises.
 *
 *     const broker = await Mosquitto.start(requireServer(this, 'mosquitto'), { config: ['max_inflight_messages 20'] });
 *     connect(broker.url);
 *     await broker.kill();      // kill -9; or stop(): SIGTERM
 *     await broker.start();     // same port, same data; restart() is stop() and start()
 *     await broker.pause();     // frozen: connections open, nothing answered; resume()
 *     await broker.remove();    // in the end, always
 */
export class Mosquitto extends Program {
  /** `mqtt://` or, with a certificate, `mqtts://localhost:…`. */
  readonly url: string;

  private constructor(path: string, port: number, options: MosquittoOptions) {
    super(path, 'mosquitto', port);
    this.url = options.tls === undefined ? `mqtt://127.0.0.1:${port}` : `mqtts://localhost:${port}`;
    this.#configure(options);
  }

  static async start(path: string, options: MosquittoOptions = {}): Promise<Mosquitto> {
    const mosquitto = new Mosquitto(path, await freePort(), options);
    await mosquitto.start().catch(async (error: unknown) => {
      await mosquitto.remove();
      throw error;
    });
    return mosquitto;
  }

  protected override arguments(): readonly string[] {
    return ['-c', join(this.folder, 'mosquitto.conf')];
  }

  protected override answers(): Promise<boolean> {
    return listens(this.port);
  }

  #configure({ persistence = true, users, acl, tls, webSocketPort, config = [] }: MosquittoOptions): void {
    const lines = [
      `listener ${this.port} 127.0.0.1`,
      `allow_anonymous ${users === undefined}`,
      `persistence ${persistence}`,
      `persistence_location ${this.folder}/`,
      'max_queued_messages 0',
      'max_inflight_messages 0',
      'sys_interval 1',
      // Started by root, it would become the user "mosquitto" and lose its folder.
      'user root',
    ];
    if (users !== undefined) lines.push(`password_file ${this.#passwords(users)}`);
    if (acl !== undefined) lines.push(`acl_file ${this.#write('acl', acl)}`);
    const secured = tls === undefined ? [] : [`certfile ${tls.cert}`, `keyfile ${tls.key}`];
    if (tls?.clientCa !== undefined) secured.push(`cafile ${tls.clientCa}`, 'require_certificate true');
    lines.push(...secured);
    // Its WebSocket library takes the name of an interface for an address, and finds none of it.
    if (webSocketPort !== undefined) lines.push(`listener ${webSocketPort}`, 'protocol websockets', 'socket_domain ipv4', ...secured);
    const replaced = new Set(config.map((line) => line.split(' ', 1)[0]));
    this.#write('mosquitto.conf', [...lines.filter((line) => !replaced.has(line.split(' ', 1)[0])), ...config]);
  }

  /** Written in clear and then hashed in place by Mosquitto's own tool. */
  #passwords(users: Readonly<Record<string, string>>): string {
    const file = this.#write(
      'passwords',
      Object.entries(users).map(([name, password]) => `${name}:${password}`),
    );
    execFileSync('mosquitto_passwd', ['-U', file]);
    return file;
  }

  #write(name: string, lines: readonly string[]): string {
    const file = join(this.folder, name);
    writeFileSync(file, `${lines.join('\n')}\n`);
    return file;
  }
}
