import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, existsSync, mkdtempSync, openSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/**
 * A program that somebody else wrote, run for a test in a folder of its own below the system's temporary folder. It may be stopped,
 * killed, frozen and started again as often as a test wants: its port, its folder and what it wrote there stay until `remove`.
 * Whatever still runs when the test process ends is killed with it.
 */
export abstract class Program {
  /** Configuration, data and `log`, the program's own output. */
  readonly folder: string;
  /** The port of the loopback interface it listens on. */
  readonly port: number;
  readonly #path: string;
  #child: ChildProcess | null = null;
  readonly #killAtExit = (): void => void this.#child?.kill('SIGKILL');

  protected constructor(path: string, name: string, port: number) {
    this.#path = path;
    this.port = port;
    this.folder = mkdtempSync(join(tmpdir(), `greenpark-${name}-`));
  }

  /** The arguments it is run with. */
  protected abstract arguments(): readonly string[];
  /** Whether it does its work already. */
  protected abstract answers(): Promise<boolean>;

  /** The running program's id; throws while it does not run. */
  get pid(): number {
    return this.#running().pid as number;
  }

  /** Runs it and waits, at most 20 s, until it answers. */
  async start(): Promise<void> {
    if (this.#child !== null) throw new Error(`${this.#path} runs already`);
    const log = openSync(join(this.folder, 'log'), 'a');
    const child = spawn(this.#path, this.arguments(), { stdio: ['ignore', log, log] });
    closeSync(log);
    this.#child = child;
    process.on('exit', this.#killAtExit);
    child.once('exit', () => {
      process.off('exit', this.#killAtExit);
      if (this.#child === child) this.#child = null;
    });
    const deadline = Date.now() + 20_000;
    while (!(await this.answers())) {
      const ended = this.#child !== child;
      if (!ended && Date.now() < deadline) {
        await new Promise((resolve) => setTimeout(resolve, 20));
        continue;
      }
      await this.kill();
      throw new Error(`${this.#path} ${ended ? 'ended' : 'does not answer'} on port ${this.port}: ${this.log().slice(-1000)}`);
    }
  }

  /** Asks it to end (SIGTERM) and waits for that. Nothing happens when it does not run. */
  stop(): Promise<void> {
    return this.#end('SIGTERM');
  }

  /** Ends it as a crash would (kill -9). */
  kill(): Promise<void> {
    return this.#end('SIGKILL');
  }

  /** `stop` and `start`: same port, same data. After `kill` it is `start`. */
  async restart(): Promise<void> {
    await this.stop();
    await this.start();
  }

  /** Freezes it: connections stay open, nothing is answered, until `resume`. Resolved: every thread of it has come to a stop. */
  async pause(): Promise<void> {
    this.#running().kill('SIGSTOP');
    const tasks = `/proc/${this.pid}/task`;
    const running = () => existsSync(tasks) && readdirSync(tasks).some((task) => !/^State:\tT/m.test(readFileSync(`${tasks}/${task}/status`, 'utf8')));
    while (running()) await new Promise((resolve) => setImmediate(resolve));
  }

  resume(): void {
    this.#running().kill('SIGCONT');
  }

  /** Kills it and removes its folder. */
  async remove(): Promise<void> {
    await this.kill();
    rmSync(this.folder, { recursive: true, force: true });
  }

  /** What it wrote to its output since its first start. */
  log(): string {
    return readFileSync(join(this.folder, 'log'), 'utf8');
  }

  #running(): ChildProcess {
    if (this.#child === null) throw new Error(`${this.#path} does not run`);
    return this.#child;
  }

  async #end(signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
    const child = this.#child;
    if (child === null) return;
    const ended = once(child, 'exit');
    child.kill(signal);
    // A frozen program hears SIGTERM only when it goes on.
    child.kill('SIGCONT');
    await ended;
  }
}

/** A port of the loopback interface that nothing listens on at this moment. */
export async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const address = probe.address();
  probe.close();
  await once(probe, 'close');
  if (address === null || typeof address === 'string') throw new Error('no free port');
  return address.port;
}

/** Whether something accepts a connection on a port of the loopback interface. */
export function listens(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}
