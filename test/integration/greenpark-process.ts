import { type ChildProcessByStdio, spawn } from 'node:child_process';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';

const PROGRAM = fileURLToPath(new URL('../../cli/greenpark.js', import.meta.url));
/** The last line of a start that went well. */
const STARTED = 'Ctrl-C stops it.';

export type Environment = Readonly<Record<string, string>>;

/** How a run of the executable ended, and all that it wrote. */
export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly out: string;
  readonly err: string;
}

interface Running {
  readonly child: ChildProcessByStdio<null, Readable, Readable>;
  readonly said: { out: string; err: string };
  readonly ended: Promise<Ended>;
}

function spawnGreenpark(args: readonly string[], env: Environment): Running {
  const child = spawn(process.execPath, [PROGRAM, ...args], {
    // Nothing of the caller's own GREENPARK_ variables.
    env: { PATH: process.env['PATH'], GREENPARK_HTTP_HOST: '127.0.0.1', GREENPARK_MQTT_HOST: '127.0.0.1', ...env },
    // A greenpark.yaml of the caller's folder would be read.
    cwd: '/',
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const said = { out: '', err: '' };
  child.stdout.on('data', (chunk) => {
    said.out += chunk;
  });
  child.stderr.on('data', (chunk) => {
    said.err += chunk;
  });
  const ended = new Promise<Ended>((resolve) => child.once('close', (code, signal) => resolve({ code, signal, ...said })));
  return { child, said, ended };
}

/** `greenpark ARGS` in a process of its own, to be ended before its time. */
export class GreenparkRun {
  readonly #running: Running;
  readonly ended: Promise<Ended>;

  constructor(args: readonly string[], env: Environment = {}) {
    this.#running = spawnGreenpark(args, env);
    this.ended = this.#running.ended;
  }

  /** Has it ended by itself or by a signal? */
  get hasEnded(): boolean {
    return this.#running.child.exitCode !== null || this.#running.child.signalCode !== null;
  }

  end(signal: NodeJS.Signals): Promise<Ended> {
    this.#running.child.kill(signal);
    return this.ended;
  }
}

/** Runs `greenpark ARGS` to its end. */
export const greenpark = (args: readonly string[], env: Environment = {}): Promise<Ended> => spawnGreenpark(args, env).ended;

/** `greenpark serve` in a process of its own, on free ports unless the environment says otherwise. */
export class GreenparkProcess {
  readonly #running: Running;
  readonly url: string;
  /** Of the embedded broker; 0 with an external one. */
  readonly mqttPort: number;
  /** 0 where it takes no HJ 212. */
  readonly hj212Port: number;

  private constructor(running: Running, url: string) {
    this.#running = running;
    this.url = url;
    this.hj212Port = Number(/HJ 212 data loggers report to port (\d+)/.exec(running.said.out)?.[1] ?? 0);
    this.mqttPort = Number(/mqtt:\/\/localhost:(\d+)/.exec(running.said.out)?.[1] ?? 0);
  }

  /** Runs it without waiting until it has started: its address is what the environment says. */
  static launch(env: Environment): GreenparkProcess {
    return new GreenparkProcess(spawnGreenpark(['serve'], { GREENPARK_LOG_LEVEL: 'warn', ...env }), `http://127.0.0.1:${env['GREENPARK_HTTP_PORT']}`);
  }

  /** Resolves when it says that it has started; rejects with what it wrote when it ends before. */
  static async start(env: Environment): Promise<GreenparkProcess> {
    const running = spawnGreenpark(['serve'], { GREENPARK_HTTP_PORT: '0', GREENPARK_MQTT_PORT: '0', GREENPARK_LOG_LEVEL: 'warn', ...env });
    const hasStarted = new Promise<void>((resolve) => {
      running.child.stdout.on('data', () => running.said.out.includes(STARTED) && resolve());
    });
    const endedEarly = running.ended.then(({ code, err }) => {
      throw new Error(`greenpark serve ended with ${code} before it had started: ${err}`);
    });
    await Promise.race([hasStarted, endedEarly]);
    // From here on an end is what somebody asked for.
    endedEarly.catch(() => {});
    return new GreenparkProcess(running, /Greenpark is at (\S+)/.exec(running.said.out)?.[1] ?? '');
  }

  /** Of the running process. */
  get pid(): number {
    return this.#running.child.pid as number;
  }

  /** What it has written to its log, which is standard error, so far. */
  get log(): string {
    return this.#running.said.err;
  }

  /** What it has written to standard output so far. */
  get said(): string {
    return this.#running.said.out;
  }

  /** Sends the signal and waits for the end; a process that has ended already is fine. */
  end(signal: NodeJS.Signals): Promise<Ended> {
    this.#running.child.kill(signal);
    return this.#running.ended;
  }
}
