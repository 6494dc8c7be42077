import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { connect, connectAsync } from 'mqtt';
import { requireServer } from '../real-servers.ts';
import { certificateAuthority } from './certificates.ts';
import { Influx } from './influx.ts';
import { Mosquitto, type MosquittoOptions } from './mosquitto.ts';

describe('the real servers of the tests', function () {
  this.timeout(30_000);
  const cleaning: (() => void | Promise<void>)[] = [];
  afterEach(async () => {
    for (let clean = cleaning.pop(); clean !== undefined; clean = cleaning.pop()) await clean();
  });

  const aBroker = async (program: string, options: MosquittoOptions = {}): Promise<Mosquitto> => {
    const broker = await Mosquitto.start(program, options);
    cleaning.push(() => broker.remove());
    return broker;
  };

  it('Mosquitto keeps its port and a queue it saved when it is stopped, killed and started again', async function () {
    const broker = await aBroker(requireServer(this, 'mosquitto'));
    const options = { clientId: 'keeper', clean: false, reconnectPeriod: 0 };
    const keeper = await connectAsync(broker.url, options);
    await keeper.subscribeAsync('kept', { qos: 1 });
    await keeper.endAsync();
    const sender = await connectAsync(broker.url, { reconnectPeriod: 0 });
    await sender.publishAsync('kept', 'still here', { qos: 1 });
    await sender.endAsync();
    await broker.restart();
    await broker.kill();
    expect(() => broker.pid).to.throw('does not run');
    await broker.start();
    const back = connect(broker.url, options);
    const heard = new Promise<string>((resolve) => back.once('message', (_topic, payload) => resolve(payload.toString())));
    expect(await heard).to.equal('still here');
    await back.endAsync();
  });

  it('Mosquitto lets in only its users, by their access list, and takes further lines of configuration', async function () {
    const broker = await aBroker(requireServer(this, 'mosquitto'), {
      users: { g1: 'right' },
      acl: ['user g1', 'topic readwrite mine/#', 'topic write yours/#'],
      config: ['sys_interval 5'],
    });
    const refusal = (login: object) =>
      connectAsync(broker.url, { reconnectPeriod: 0, ...login }, false).then(
        () => null,
        (error: Error) => error.message,
      );
    expect(await refusal({})).to.match(/not authorized/i);
    expect(await refusal({ username: 'g1', password: 'wrong' })).to.match(/not authorized/i);
    const client = await connectAsync(broker.url, { username: 'g1', password: 'right', reconnectPeriod: 0 });
    const heard: string[] = [];
    client.on('message', (topic) => void heard.push(topic));
    await client.subscribeAsync(['mine/#', 'yours/#'], { qos: 1 });
    await client.publishAsync('yours/x', 'x', { qos: 1 });
    await client.publishAsync('mine/x', 'x', { qos: 1 });
    await client.endAsync();
    expect(heard).to.deep.equal(['mine/x']);
    expect(readFileSync(join(broker.folder, 'mosquitto.conf'), 'utf8'))
      .to.contain('sys_interval 5')
      .and.not.contain('sys_interval 1');
  });

  it('Mosquitto speaks TLS, and with a client authority only to its certificates', async function () {
    const program = requireServer(this, 'mosquitto');
    const folder = mkdtempSync(join(tmpdir(), 'greenpark-certificates-'));
    cleaning.push(() => rmSync(folder, { recursive: true }));
    const authority = certificateAuthority(folder);
    const broker = await aBroker(program, { tls: { ...authority.issue('localhost'), clientCa: authority.ca } });
    const own = authority.issue('gateway-1');
    const read = (path: string) => readFileSync(path);
    const trusted = { ca: read(authority.ca), reconnectPeriod: 0 };
    const client = await connectAsync(broker.url, { ...trusted, cert: read(own.cert), key: read(own.key) });
    await client.endAsync();
    const stranger = await connectAsync(broker.url, trusted, false).then(
      () => 'let in',
      () => 'kept out',
    );
    expect(stranger).to.equal('kept out');
  });

  it('says why a server did not start', async function () {
    const program = requireServer(this, 'mosquitto');
    const fault = await Mosquitto.start(program, { config: ['nonsense true'] }).then(
      () => 'started',
      (error: Error) => error.message,
    );
    expect(fault).to.match(/ended on port \d+: .*nonsense/s);
  });

  it('a frozen server answers again when it goes on, and InfluxDB keeps what it had taken when it is killed', async function () {
    const influx = await Influx.start(requireServer(this, 'influxd'));
    cleaning.push(() => influx.remove());
    const post = (path: string, body: string | URLSearchParams, ms = 5000) =>
      fetch(`${influx.url}${path}`, { method: 'POST', body, signal: AbortSignal.timeout(ms) });
    expect((await post('/query', new URLSearchParams({ q: 'CREATE DATABASE kept' }))).status).to.equal(200);
    expect((await post('/write?db=kept', 'm v=1 1')).status).to.equal(204);
    await influx.pause();
    const frozen = await post('/write?db=kept', 'm v=2 2', 200).then(
      () => 'answered',
      (error: Error) => error.name,
    );
    expect(frozen).to.equal('TimeoutError');
    influx.resume();
    await influx.kill();
    await influx.start();
    const answer = await post('/query?db=kept', new URLSearchParams({ q: 'SELECT v FROM m' }));
    expect(await answer.text()).to.contain('1970');
  });
});
