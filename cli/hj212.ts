import { readFileSync } from 'node:fs';
import { Command, InvalidArgumentError, Option } from 'commander';
import { STATION_KINDS, Station, type StationKind, sampleOf } from '../ingest/simulators/hj212-station.ts';
import { GreenparkError } from '../model/errors.ts';

interface SendOptions {
  readonly host: string;
  readonly port: number;
  readonly mn: string;
  readonly pw: string;
  readonly station: StationKind;
  readonly every: number;
  readonly count: number;
  readonly backfill?: number;
  readonly crc: 'standard' | 'modbus';
  readonly ca?: string;
}

function positive(text: string): number {
  const value = Number(text);
  if (!(value > 0)) throw new InvalidArgumentError('must be a number above 0');
  return value;
}

/** Sends HJ 212 as a data logger does; for trying a service and for integrators who want to see frames that are taken. */
export function hj212SendCommand(): Command {
  return new Command('hj212-send')
    .description('send HJ 212 data as a data logger would, and wait for the answers')
    .option('--host <host>', 'where the service listens', 'localhost')
    .addOption(new Option('--port <n>').argParser(positive).makeOptionMandatory())
    .requiredOption('--mn <number>', 'number of the logger')
    .addOption(new Option('--pw <text>', 'its password').env('HJ212_PW').makeOptionMandatory())
    .addOption(new Option('--station <kind>', 'what it measures').choices(STATION_KINDS).default('stack'))
    .addOption(new Option('--every <seconds>', 'between two messages').argParser(positive).default(10))
    .addOption(new Option('--count <n>', 'messages').argParser(positive).default(1))
    .addOption(new Option('--backfill <minutes>', 'first send one message a minute of this past, marked RF=1').argParser(positive))
    .addOption(new Option('--crc <kind>').choices(['standard', 'modbus']).default('standard'))
    .option('--ca <file>', 'speak TLS and trust this authority (PEM)')
    .action(run);
}

async function run({ host, port, mn, pw, station: kind, every, count, backfill, crc, ca }: SendOptions): Promise<void> {
  const station = await Station.connect({ host, port, mn, pw, crc, ...(ca === undefined ? {} : { tls: { ca: readFileSync(ca, 'utf8') } }) });
  try {
    for (let minute = Math.floor(backfill ?? 0); minute > 0; minute--) await station.send(sampleOf(kind, Date.now() - minute * 60_000, true));
    for (let sent = 0; sent < count && !station.closed; sent++) {
      if (sent > 0) await new Promise((resolve) => setTimeout(resolve, every * 1000));
      await station.send(sampleOf(kind, Date.now()));
    }
  } finally {
    station.close();
  }
  console.log(`${station.answered} messages answered, ${station.unanswered} not`);
  if (station.unanswered > 0) {
    throw new GreenparkError('STORE_REFUSED', 'not every message was answered: the dead letters of the service say why (number, password, CRC)');
  }
}
