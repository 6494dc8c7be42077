import { existsSync } from 'node:fs';
import type { Context } from 'mocha';

/** Servers that somebody else wrote: what proves that Greenpark speaks with the real thing. */
const SERVERS = {
  mosquitto: { path: '/usr/sbin/mosquitto', install: 'apt-get install mosquitto' },
  influxd: { path: '/usr/bin/influxd', install: 'apt-get install influxdb' },
  chromium: { path: '/usr/bin/chromium', install: 'apt-get install chromium fonts-noto-cjk' },
} as const;

export type RealServer = keyof typeof SERVERS;

/** Where the server's program is when it is installed. */
export const serverPath = (name: RealServer): string => SERVERS[name].path;

/** Path of the server's program. Without it the test is skipped with a line that says how to install it; with CI=true it fails. */
export function requireServer(test: Context, name: RealServer): string {
  const { path, install } = SERVERS[name];
  if (existsSync(path)) return path;
  const message = `needs ${name} (${install})`;
  if (process.env['CI'] === 'true') throw new Error(message);
  console.log(`      skipped: ${message}`);
  test.skip();
}

/** Folder of the public recordings, which are not the project's own; see requireServer for what a missing one means. */
export function requireRecordings(test: Context): string {
  const folder = new URL('../../../shared/data/', import.meta.url);
  if (existsSync(folder)) return folder.pathname;
  const message = 'needs the recordings in ../shared/data';
  if (process.env['CI'] === 'true') throw new Error(message);
  console.log(`      skipped: ${message}`);
  test.skip();
}
