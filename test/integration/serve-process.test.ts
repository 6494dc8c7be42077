import { once } from 'node:events';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { connectAsync } from 'mqtt';
import { Caller, eventually } from './callers.ts';
import { type Ended, type Environment, GreenparkProcess, greenpark } from './greenpark-process.ts';

const PARK = `
parks: [{ id: north, name: 北园, region: '510112' }]
enterprises: [{ id: steel, park: north, name: 钢铁公司, trade: steel, stage: admitted }]
gateways: [{ id: g-1, park: north, name: 网关 }]
meters: [{ id: m-1, park: north, enterprise: steel, name: 总表, kind: electricity, gateway: g-1 }]
`;
/** What was changed beside a running service takes effect within this time. */
const SOON = 2000;

describe('the executable', function () {
  this.timeout(30_000);
  let folder: string;
  const folders: string[] = [];
  const running: GreenparkProcess[] = [];

  const newFolder = async (): Promise<void> => {
    folder = await mkdtemp(join(tmpdir(), 'greenpark-executable-'));
    folders.push(folder);
  };
  const cleanUp = async (): Promise<void> => {
    await Promise.all(running.splice(0).map((one) => one.end('SIGKILL')));
    await Promise.all(folders.splice(0).map((one) => rm(one, { recursive: true, force: true })));
  };

  const data = (): Environment => ({ GREENPARK_DATA_DIR: join(folder, 'data') });

  async function serve(env: Environment = {}): Promise<GreenparkProcess> {
    const started = await GreenparkProcess.start({ ...data(), ...env });
    running.push(started);
    return started;
  }

  const passwordIn = (said: string): string => /Sign in as admin with (\S+) \(shown once\)/.exec(said)?.[1] ?? '';
  const mayWork = (action: Promise<unknown>): Promise<boolean> =>
    action.then(
      () => true,
      () => false,
    );

  describe('refuses to start in one line that says why', () => {
    beforeEach(newFolder);
    afterEach(cleanUp);
    let taken: Server;
    let port: string;

    before(async () => {
      taken = createServer().listen(0, '127.0.0.1');
      await once(taken, 'listening');
      port = String((taken.address() as AddressInfo).port);
    });

    after(() => {
      taken.close();
    });

    function expectOneLine({ code, err }: Ended, ...parts: readonly string[]): void {
      expect(code, err).to.be.above(0);
      expect(err).to.match(/^greenpark: [^\n]+\n$/);
      expect(err).to.not.match(/ {4}at |node_modules|\.[jt]s:\d/);
      for (const part of parts) expect(err).to.contain(part);
    }
    const free = { GREENPARK_HTTP_PORT: '0', GREENPARK_MQTT_PORT: '0' };

    it('when the port of the API is in use', async () => {
      expectOneLine(await greenpark(['serve'], { ...data(), ...free, GREENPARK_HTTP_PORT: port }), port, 'in use', 'GREENPARK_HTTP_PORT');
    });

    it('when the port of the broker is in use', async () => {
      expectOneLine(await greenpark(['serve'], { ...data(), ...free, GREENPARK_MQTT_PORT: port }), port, 'in use', 'GREENPARK_MQTT_PORT');
    });

    it('when the data directory cannot be made', async () => {
      await writeFile(join(folder, 'plain'), '');
      const dir = join(folder, 'plain', 'data');
      expectOneLine(await greenpark(['serve'], { ...free, GREENPARK_DATA_DIR: dir }), dir);
    });

    it('when the data directory is a plain file', async () => {
      await writeFile(join(folder, 'data'), '');
      expectOneLine(await greenpark(['serve'], { ...data(), ...free }), join(folder, 'data'));
    });

    it('when another process works in the data directory, which goes on', async () => {
      const first = await serve();
      expectOneLine(await greenpark(['serve'], { ...data(), ...free }), join(folder, 'data'), 'another Greenpark process');
      expect((await fetch(`${first.url}/readyz`)).status).to.equal(200);
    });

    it('when the configuration has faults, all of them at once', async () => {
      const bad = {
        GREENPARK_HTTP_PORT: 'eighty',
        GREENPARK_MQTT_URL: 'telnet://x',
        GREENPARK_INFLUX_VERSION: '7',
        GREENPARK_ADMIN_PASSWORD: 'short',
        GREENPARK_PORT: '1',
      };
      const ended = await greenpark(['serve'], { ...data(), ...bad });
      expectOneLine(ended, ...Object.keys(bad));
      expect(ended.err).to.not.contain('short');
    });

    it('when its registry is none', async () => {
      await mkdir(join(folder, 'data'));
      await writeFile(join(folder, 'data', 'registry.db'), 'a text that somebody put here, longer than the header of a database would be, and of another kind');
      expectOneLine(await greenpark(['serve'], { ...data(), ...free }), 'registry.db');
    });

    it('when there is no such subcommand', async () => {
      const { code, err } = await greenpark(['sevre']);
      expect(code).to.be.above(0);
      expect(err).to.match(/^error: unknown command 'sevre'\n(\(Did you mean serve\?\)\n)?$/);
    });
  });

  describe('starts, stops and starts again', () => {
    beforeEach(newFolder);
    afterEach(cleanUp);

    it('stops on SIGTERM with code 0 within seconds, screens and gateways connected, and finds its data again', async () => {
      await writeFile(join(folder, 'park.yaml'), PARK);
      expect(await greenpark(['registry', 'import', join(folder, 'park.yaml')], data())).to.include({ code: 0, err: '' });
      const secret = (await greenpark(['gateway', 'secret', 'g-1'], data())).out.trim();

      const first = await serve();
      const password = passwordIn(first.said);
      const admin = await Caller.signIn(first.url, 'admin', password);
      const screen = await admin.live();
      const gateway = await connectAsync(`mqtt://127.0.0.1:${first.mqttPort}`, { username: 'g-1', password: secret, reconnectPeriod: 0 });
      await gateway.publishAsync('parks/north/meters/m-1/readings', '{"active_power":312.5}', { qos: 1 });
      const asked = Date.now();
      expect(await first.end('SIGTERM')).to.include({ code: 0, signal: null, err: '' });
      expect(Date.now() - asked).to.be.below(5000);
      screen.close();
      await gateway.endAsync(true);

      const second = await serve();
      expect(second.said, 'the first password is shown once').to.contain('Sign in as admin').and.not.contain(password);
      admin.url = second.url;
      expect((await admin.items<{ value: number }>('/api/v1/meters/m-1/latest')).map(({ value }) => value)).to.deep.equal([312.5]);
    });

    it('lets the administrator in with the password that was configured, never prints it, and stops on SIGINT with code 0', async () => {
      const password = 'chosen by the one who installs';
      const service = await serve({ GREENPARK_ADMIN_PASSWORD: password });
      await Caller.signIn(service.url, 'admin', password);
      const { out, ...ended } = await service.end('SIGINT');
      expect(ended).to.deep.equal({ code: 0, signal: null, err: '' });
      expect(out).to.not.contain(password);
      // Of a password that was configured nobody may be told that it was shown.
      const again = await serve({ GREENPARK_ADMIN_PASSWORD: password });
      expect(again.said).to.contain('Sign in as admin with the password of the first start, shown or configured then');
    });
  });

  describe('beside a running service', () => {
    let service: GreenparkProcess;
    let admin: Caller;

    before(async () => {
      await newFolder();
      service = await serve();
      admin = await Caller.signIn(service.url, 'admin', passwordIn(service.said));
      await writeFile(join(folder, 'park.yaml'), PARK);
      expect((await greenpark(['registry', 'import', join(folder, 'park.yaml')], data())).out).to.equal('4 created, 0 replaced, 0 unchanged\n');
      await eventually(async () => (await admin.get('/api/v1/parks/north/meters/m-1')).status === 200, 'the imported meter', SOON);
    });

    after(cleanUp);

    it('an exported registry imports to the same', async () => {
      const { out, code } = await greenpark(['registry', 'export'], data());
      expect(code).to.equal(0);
      await writeFile(join(folder, 'again.yaml'), out);
      expect((await greenpark(['registry', 'import', join(folder, 'again.yaml')], data())).out).to.equal('0 created, 0 replaced, 4 unchanged\n');
    });

    it('a new user signs in, and with a new password only with that', async () => {
      const add = (password: string) =>
        greenpark(['user', 'add', 'anna', '--role', 'enterprise', '--park', 'north', '--enterprise', 'steel', '--password', password], data());
      expect(await add('the first password')).to.include({ code: 0, out: 'anna may sign in\n' });
      const anna = await eventually(() => Caller.signIn(service.url, 'anna', 'the first password').catch(() => undefined), 'the new user', SOON);
      expect(await anna.items('/api/v1/parks/north/meters')).to.have.length(1);
      await add('the second password');
      await eventually(() => mayWork(Caller.signIn(service.url, 'anna', 'the second password')), 'the new password', SOON);
      expect(await mayWork(Caller.signIn(service.url, 'anna', 'the first password'))).to.equal(false);
    });

    it('a new token opens what its role may see', async () => {
      const { out, code } = await greenpark(['token', 'add', 'audit', '--role', 'auditor', '--region', '51'], data());
      expect(code).to.equal(0);
      const auditor = Caller.withToken(service.url, out.trim());
      await eventually(async () => (await auditor.get('/api/v1/parks/north/meters')).status === 200, 'the token', SOON);
      expect((await auditor.delete('/api/v1/parks/north/meters/m-1')).status).to.equal(403);
    });

    // Without a scope of its own such an operator would rule every park, whatever the option said.
    it('an operator who was made for one park or region looks after that alone', async () => {
      await writeFile(join(folder, 'elsewhere.yaml'), "parks: [{ id: coast, name: 南园, region: '320500' }]");
      await greenpark(['registry', 'import', join(folder, 'elsewhere.yaml')], data());
      const made: readonly (readonly [scope: readonly string[], parks: readonly string[]])[] = [
        [[], ['coast', 'north']],
        [['--park', 'coast'], ['coast']],
        [['--region', '51'], ['north']],
      ];
      for (const [scope, parks] of made) {
        const token = (await greenpark(['token', 'add', 'one', '--role', 'operator', ...scope], data())).out.trim();
        const operator = Caller.withToken(service.url, token);
        const seen = async () => (await operator.items<{ id: string }>('/api/v1/parks').catch(() => [])).map(({ id }) => id);
        await eventually(async () => (await seen()).length === parks.length, `the parks of ${scope.join(' ')}`, SOON);
        expect(await seen()).to.deep.equal(parks);
        const elsewhere = parks.includes('north') ? 200 : 404;
        expect((await operator.get('/api/v1/parks/north/gateways')).status).to.equal(elsewhere);
        expect((await operator.get('/api/v1/ingest/state')).status).to.equal(scope.length === 0 ? 200 : 403);
      }
    });

    it('a gateway signs in with its new secret and no more with the old one, and publishes for an imported meter', async () => {
      const broker = `mqtt://127.0.0.1:${service.mqttPort}`;
      const [old, secret] = [
        (await greenpark(['gateway', 'secret', 'g-1'], data())).out.trim(),
        (await greenpark(['gateway', 'secret', 'g-1'], data())).out.trim(),
      ];
      const signIn = (password: string) => connectAsync(broker, { username: 'g-1', password, reconnectPeriod: 0 });
      const gateway = await eventually(() => signIn(secret).catch(() => undefined), 'the new secret', SOON);
      expect(await mayWork(signIn(old))).to.equal(false);
      await gateway.publishAsync('parks/north/meters/m-1/readings', '{"active_power":1}', { qos: 1 });
      await gateway.endAsync();
      expect(await admin.items('/api/v1/meters/m-1/latest')).to.have.length(1);
    });

    it('what cannot be is refused in one line', async () => {
      const refused: readonly (readonly string[])[] = [
        ['user', 'add', 'bob', '--role', 'committee', '--park', 'south'],
        ['user', 'add', 'bob', '--role', 'operator', '--password', 'short'],
        ['user', 'add', 'bob', '--role', 'operator', '--park', 'north', '--enterprise', 'steel'],
        ['token', 'add', 't', '--role', 'auditor', '--region', '51', '--park', 'north'],
        ['token', 'add', 't', '--role', 'auditor', '--region', 'here'],
        ['gateway', 'secret', 'g-9'],
        ['registry', 'import', '/nowhere.yaml'],
      ];
      const ended = await Promise.all(refused.map((args) => greenpark(args, data())));
      for (const [index, { code, err }] of ended.entries()) {
        expect(code, refused[index]?.join(' ')).to.equal(1);
        expect(err).to.match(/^greenpark: [^\n]+\n$/);
      }
    });
  });

  it('explains every subcommand', async () => {
    const explain = async (command: readonly string[]): Promise<readonly string[]> => {
      const { code, out, err } = await greenpark([...command, '--help']);
      expect({ code, err }, command.join(' ')).to.deep.equal({ code: 0, err: '' });
      expect(out).to.match(new RegExp(`^Usage: ${['greenpark', ...command].join(' ')}`));
      const listed = [...(/^Commands:\n((?: {2}.*\n)+)/m.exec(out)?.[1] ?? '').matchAll(/^ {2}([a-z0-9-]+)/gm)]
        .map(([, name = '']) => name)
        .filter((name) => name !== 'help');
      const below = await Promise.all(listed.map((name) => explain([...command, name])));
      return [command.join(' '), ...below.flat()];
    };
    expect(await explain([])).to.include.members([
      'serve',
      'import',
      'replay',
      'registry import',
      'registry export',
      'user add',
      'token add',
      'gateway secret',
    ]);
  });
});
