import { destination, pino } from 'pino';
import { readConfig } from '../config.ts';
import { createApp } from '../main.ts';

/** Longest time that stopping may take before the process ends regardless, in milliseconds. docs/operations.md names it. */
const STOP_WITHIN_MS = 30_000;
/** How long after everything is closed the process may take to end by itself, in milliseconds. */
const LINGER_MS = 1000;

/** Runs the service until it is told to stop; its notes go to standard output. */
export async function serve(): Promise<void> {
  const config = readConfig(process.env);
  const logger = pino(
    { level: config.logLevel, base: null, redact: ['req.headers.cookie', 'req.headers.authorization'] },
    destination({ dest: 2, sync: false }),
  );
  const app = createApp(config, { clock: Date.now, steady: () => performance.now(), logger });
  let asked = false;
  const stopped = new Promise<number>((resolve) => {
    const stop = (reason: string, code: number) => {
      if (asked) {
        if (code === 0) process.exit(130);
        return;
      }
      asked = true;
      logger.info({ reason }, 'stopping');
      setTimeout(() => {
        logger.fatal(`could not stop within ${STOP_WITHIN_MS / 1000} s`);
        process.exit(1);
      }, STOP_WITHIN_MS).unref();
      app.stop().then(
        () => resolve(code),
        (error: unknown) => {
          logger.fatal({ err: error }, 'stopping failed');
          resolve(1);
        },
      );
    };
    process.on('SIGINT', () => stop('SIGINT', 0));
    process.on('SIGTERM', () => stop('SIGTERM', 0));
    process.on('uncaughtException', (error) => {
      logger.fatal({ err: error }, 'a fault that nothing expected');
      stop('fault', 1);
    });
    process.on('unhandledRejection', (error) => {
      logger.fatal({ err: error }, 'a rejection that nothing expected');
      stop('fault', 1);
    });
  });
  try {
    const { notes } = await app.start();
    for (const note of notes) console.log(note);
  } catch (error) {
    // A start that waits for its store ends so when it is told to stop.
    if (!asked) throw error;
  }
  const code = await stopped;
  process.exitCode = code;
  // A server that is silent may hold a connection open for a minute.
  setTimeout(() => process.exit(code), LINGER_MS).unref();
}
