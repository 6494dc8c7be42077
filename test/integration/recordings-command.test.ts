import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import mqtt from 'mqtt';
import { lockDataDirectory } from '../../store/process-lock.ts';
import { until } from '../ingest/harness.ts';
import { requireServer } from '../real-servers.ts';
import { Mosquitto } from '../servers/mosquitto.ts';

const PROGRAM = fileURLToPath(new URL('../../cli/greenpark.js', import.meta.url));
const REGISTRY = `
parks: [{ id: p-1, name: Park, region: '510112' }]
meters: [{ id: m-1, park: p-1, name: Station, kind: ambient }]
`;
const MAPPING = `
park: p-1
meter: m-1
time: { columns: t, format: iso, zone: Asia/Shanghai }
columns: { v: { quantity: pm2_5, unit: µg/m³ } }
`;

interface Ended {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

describe('the commands import and replay', function () {
  this.timeout(60_000);
  let folder: string;
  const file = (name: string, content: string): string => {
    const path = join(folder, name);
    writeFileSync(path, content);
    return path;
  };
  const start = (args: readonly string[], dataDir: string) => {
    const child = spawn(process.execPath, [PROGRAM, ...args], {
      env: { PATH: process.env['PATH'], GREENPARK_DATA_DIR: join(folder, dataDir) },
      cwd: folder,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let [out, err] = ['', ''];
    child.stdout.on('data', (chunk) => {
      out += chunk;
    });
    child.stderr.on('data', (chunk) => {
      err += chunk;
    });
    const ended = new Promise<Ended>((resolve) => child.on('close', (code) => resolve({ code, out, err })));
    return { child, ended };
  };
  const run = (args: readonly string[], dataDir = 'data'): Promise<Ended> => start(args, dataDir).ended;
  const mapped = (name: string, content: string): string[] => [file(name, content), '--mapping', join(folder, 'mapping.yaml')];

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'greenpark-command-'));
    file('mapping.yaml', MAPPING);
    expect((await run(['registry', 'import', file('registry.yaml', REGISTRY)])).code).to.equal(0);
  });
  after(() => rmSync(folder, { recursive: true }));

  it('imports, says what came of it, shows no progress on a pipe, and imports again on demand alone', async () => {
    const args = ['import', ...mapped('good.csv', 't,v\n2020-01-01 00:00,1\n2020-01-01 01:00,2\n')];
    expect(await run(args)).to.deep.equal({
      code: 0,
      err: '',
      out: 'good.csv: 2 rows read, 2 taken, 0 without a value, 0 refused\n  2 readings taken, 0 cells missing, 0 cells refused\n  2 readings stored, 0 were there already\n',
    });
    const second = await run(args);
    expect(second).to.include({ code: 0, err: '' });
    expect(second.out).to.contain('  2 readings stored, 0 were there already\n');
    expect(second.out).to.match(/good\.csv: this was imported already, until \d{4}-.*Z; --from-start imports it again\n$/);
    const third = await run([...args, '--from-start']);
    expect(third.code).to.equal(0);
    expect(third.out).to.contain('  0 readings stored, 2 were there already\n');
  });

  it('goes on where the file has grown, begins anew where file or mapping changed, and says so', async () => {
    const args = ['import', ...mapped('grows.csv', 't,v\n2020-04-01,x\n2020-04-02,2\n'), '--rejects', join(folder, 'rejects-april.txt')];
    expect((await run(args)).out).to.match(/^grows\.csv: 2 rows read, 1 taken/);
    file('grows.csv', 't,v\n2020-04-01,x\n2020-04-02,2\n2020-04-03,3\n2020-04-04,y\n');
    const grown = await run(args);
    expect(grown.out).to.match(/^grows\.csv: goes on behind row 2, up to which an earlier import came\ngrows\.csv: 4 rows read, 2 taken, .*, 2 refused\n/);
    expect(readFileSync(join(folder, 'rejects-april.txt'), 'utf8').match(/^grows\.csv:\d/gm)).to.have.length(2);

    file('grows.csv', 't,v\n2020-04-01,x\n2020-04-02,2\n2020-04-03,3\n2020-04-04,y\n2020-04-05,z\n');
    const elsewhere = await run([...args.slice(0, -1), join(folder, 'rejects-may.txt')]);
    expect(elsewhere.err).to.contain(`rejects-may.txt gets what is refused from here on; what was refused before is listed in ${folder}/rejects-april.txt\n`);
    expect(readFileSync(join(folder, 'rejects-may.txt'), 'utf8')).to.match(/^grows\.csv:6, [^\n]+\n$/);

    file('grows.csv', 't,v\n2020-04-01,1\n2020-04-02,2\n2020-04-03,3\n2020-04-04,y\n2020-04-05,z\n');
    const anew = await run(args);
    expect(anew.out).to.match(
      /^grows\.csv: begins at the first row and does not go on from an earlier import: the file has changed\ngrows\.csv: 5 rows read, 3 taken, /,
    );
    expect(anew.out).to.contain('  1 readings stored, 2 were there already\n');
    file('mapping.yaml', `${MAPPING}# checked\n`);
    expect((await run(args)).out).to.contain('does not go on from an earlier import: the mapping has changed\n');
    file('mapping.yaml', MAPPING);
  });

  it('names what it refuses by file, line and column, goes on, and ends well unless it is strict', async () => {
    const rejects = join(folder, 'rejects.txt');
    const bad = 't,v\n2020-02-01,1\n2020-02-30,2\n2020-02-03,x\n2020-02-04,4\n';
    const lenient = await run(['import', ...mapped('bad.csv', bad), '--rejects', rejects]);
    const lines = 'bad.csv:3, column "t": bad-time: "2020-02-30" is not a time of the format iso\nbad.csv:4, column "v": not-a-number: "x" is not a number\n';
    expect(lenient).to.include({ code: 0, err: lines });
    expect(lenient.out).to.match(/^bad\.csv: 4 rows read, 2 taken, 0 without a value, 2 refused\n/);
    expect(lenient.out).to.contain('  refused as bad-time: 1\n  refused as not-a-number: 1\n');
    expect(readFileSync(rejects, 'utf8')).to.equal(lines);
    const strict = await run(['import', ...mapped('bad.csv', bad), '--strict']);
    expect(strict.code).to.equal(1);
    expect(strict.err).to.contain('greenpark: bad.csv: something was refused, and --strict was given\n');
  });

  it('prints a few of very many refusals and counts the rest', async () => {
    const { err, out } = await run(['import', ...mapped('many.csv', `t,v\n2020-01-01,1\n${'x,1\n'.repeat(5000)}`)]);
    expect(err.split('\n')).to.have.length(7);
    expect(err).to.contain('… further ones refused as bad-time are counted; --rejects FILE writes all of them\n');
    expect(out).to.contain('refused as bad-time: 5000\n');
  });

  const FAILURES: readonly [what: string, args: () => string[], message: RegExp][] = [
    ['nothing could be taken', () => ['import', ...mapped('none.csv', 't,v\n2020-01-01,x\n')], /greenpark: none\.csv: nothing in it could be taken\n$/],
    [
      'a mapping with faults',
      () => ['import', file('x.csv', 't,v\n'), '--mapping', file('faulty.yaml', 'time: {}')],
      /^greenpark: mapping faulty\.yaml is not valid: key "columns" is missing\n$/,
    ],
    ['a park that the meters are not in', () => ['import', ...mapped('x.csv', 't,v\n'), '--park', 'p-2'], /registered in park "p-1", not in "p-2"\n$/],
    ['a speed that is none', () => ['replay', ...mapped('x.csv', 't,v\n'), '--speed', 'fast'], /expected a number, 0 or above\n$/],
    [
      'no broker',
      () => ['replay', ...mapped('x.csv', 't,v\n'), '--speed', '0', '--as-recorded', '--url', 'mqtt://127.0.0.1:1'],
      /^greenpark: the broker at mqtt:\/\/127\.0\.0\.1:1 cannot be reached: .*\n$/,
    ],
  ];
  for (const [what, args, message] of FAILURES) {
    it(`fails in one line for ${what}`, async () => {
      const { code, err } = await run(args());
      expect(code).to.equal(1);
      expect(err).to.match(message);
      expect(err).to.not.contain('    at ');
    });
  }

  it('does not touch a data directory that another process works in', async () => {
    const lock = lockDataDirectory(join(folder, 'data'));
    try {
      const { code, err } = await run(['import', ...mapped('good.csv', 't,v\n2020-01-01 00:00,1\n')]);
      expect(code).to.equal(1);
      expect(err).to.match(/^greenpark: the data directory .* is used by another Greenpark process/);
    } finally {
      lock.release();
    }
  });

  it('replays until Ctrl-C, and ends cleanly then', async function () {
    const mosquitto = await Mosquitto.start(requireServer(this, 'mosquitto'));
    const listener = mqtt.connect(mosquitto.url, { protocolVersion: 4 });
    let heard = 0;
    try {
      await new Promise((resolve) => listener.once('connect', resolve));
      await listener.subscribeAsync('parks/p-1/meters/m-1/readings', { qos: 1 });
      listener.on('message', () => heard++);
      const { child, ended } = start(
        ['replay', ...mapped('loop.csv', 't,v\n2020-01-01 00:00,1\n2020-01-01 00:01,2\n'), '--speed', '6000', '--loop', '--url', mosquitto.url],
        'data',
      );
      await until(() => heard > 4, 'the third pass', 30_000);
      child.kill('SIGINT');
      const { code, out, err } = await ended;
      expect({ code, err }).to.deep.equal({ code: 0, err: '' });
      const [, published, acknowledged] = /(\d+) messages published, (\d+) acknowledged\n$/.exec(out) ?? [];
      expect(published).to.equal(acknowledged);
      await until(() => heard === Number(published), 'the last message');
    } finally {
      await listener.endAsync(true);
      await mosquitto.remove();
    }
  });
});
