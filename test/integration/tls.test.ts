import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { request as plainRequest } from 'node:http';
import { type RequestOptions, request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { expect } from 'chai';
import { connectAsync } from 'mqtt';
import { Station, type StationMessage } from '../../ingest/simulators/hj212-station.ts';
import type { GatewayId } from '../../model/ids.ts';
import { importDocument } from '../../store/registry/document.ts';
import { hashGatewaySecret } from '../../store/registry/gateway-secret.ts';
import { openRegistry } from '../../store/registry/open.ts';
import { type Certificate, certificateAuthority } from '../servers/certificates.ts';
import { freePort } from '../servers/program.ts';
import { GreenparkProcess } from './greenpark-process.ts';

const meter = (id: string, kind: string, gateway: string) => ({
  ...{ id, park: 'p-1', enterprise: null, name: id, kind, parent: null, multiplier: 1, gateway, intervalSeconds: 60 },
});
const PARK = {
  parks: [{ id: 'p-1', name: 'Park', region: '510112', timeZone: 'Asia/Shanghai' }],
  gateways: [
    { id: 'g-1', park: 'p-1', name: 'Gateway' },
    { id: 'logger', park: 'p-1', name: 'Logger', link: { type: 'hj212', mn: 'MN1', meter: 'stack-1' } },
  ],
  meters: [meter('pushed', 'electricity', 'g-1'), meter('published', 'electricity', 'g-1'), meter('stack-1', 'stack', 'logger')],
};
const SO2 = (at: number): StationMessage => ({ cn: '2011', st: '31', at, groups: ['a21026-Rtd=58,a21026-Flag=N'] });

describe('every way in over TLS, by the configuration alone', function () {
  this.timeout(60_000);
  let folder: string;
  let files: Certificate;
  let ca: Buffer;
  let service: GreenparkProcess;
  let http: number;
  let mqtt: number;
  let hj212: number;

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'greenpark-tls-'));
    files = certificateAuthority(folder).issue('localhost');
    ca = await readFile(files.ca);
    const registry = await openRegistry(join(folder, 'registry.db'));
    await importDocument(registry, PARK);
    for (const { id } of PARK.gateways) await registry.gateways.setSecret(id as GatewayId, await hashGatewaySecret(`${id} secret`));
    registry.close();
    [http, mqtt, hj212] = [await freePort(), await freePort(), await freePort()];
    const tls = `{ cert: ${files.cert}, key: ${files.key} }`;
    const config = `
dataDir: ${folder}
adminPassword: a password for tests
http: { port: ${http}, tls: ${tls} }
mqtt: { port: ${mqtt}, tls: ${tls} }
hj212: { port: ${hj212}, tls: ${tls} }
`;
    await writeFile(join(folder, 'greenpark.yaml'), config);
    service = await GreenparkProcess.start({
      GREENPARK_CONFIG: join(folder, 'greenpark.yaml'),
      GREENPARK_HTTP_PORT: String(http),
      GREENPARK_MQTT_PORT: String(mqtt),
    });
  });
  after(async () => {
    await service?.end('SIGKILL');
    await rm(folder, { recursive: true, force: true });
  });

  async function ask(path: string, options: RequestOptions, body?: string): Promise<{ status: number | undefined; text: string }> {
    const asked = request({ host: 'localhost', port: http, ca, path, ...options }).end(body);
    const [answer] = await once(asked, 'response');
    return { status: answer.statusCode, text: await text(answer) };
  }
  const byGateway = { authorization: `Basic ${Buffer.from('g-1:g-1 secret').toString('base64')}`, 'content-type': 'application/json' };

  /** What is stored of a meter, as the administrator is told over HTTPS. */
  async function latest(id: string): Promise<readonly number[]> {
    const asked = request({ host: 'localhost', port: http, ca, path: '/api/v1/session', method: 'POST', headers: { 'content-type': 'application/json' } });
    const [answer] = await once(asked.end('{"username":"admin","password":"a password for tests"}'), 'response');
    answer.resume();
    const cookie = String(answer.headers['set-cookie']).split(';')[0] as string;
    const { text: body } = await ask(`/api/v1/meters/${id}/latest`, { headers: { cookie } });
    return (JSON.parse(body) as { items: { value: number }[] }).items.map(({ value }) => value);
  }

  it('says so where it listens', () => {
    expect(service.said).to.contain(`https://127.0.0.1:${http}`).and.contain(`mqtts://localhost:${mqtt}`);
  });

  it('takes a push by HTTPS; who speaks plain HTTP is told to use it, and nothing is taken', async () => {
    const push = (value: number) => JSON.stringify({ meter: 'pushed', ts: 1_768_000_000_000 + value, values: { active_power: value } });
    const options = { method: 'POST', path: '/api/v1/readings', headers: byGateway };
    expect(await ask('/api/v1/readings', options, push(1))).to.include({ status: 200 });
    const asked = plainRequest({ host: 'localhost', port: http, ...options }).end(push(2));
    const [answer] = await once(asked, 'response');
    expect([answer.statusCode, await text(answer)]).to.deep.equal([400, 'this port speaks HTTPS alone; begin the address with https://\n']);
    expect(await latest('pushed')).to.deep.equal([1]);
  });

  it('refuses a client that does not trust the certificate’s authority by itself: the certificate is the one configured', async () => {
    const error = await ask('/healthz', { ca: [] }).then(
      () => null,
      (fault: Error) => fault,
    );
    expect(error?.message).to.match(/certificate|verify/i);
  });

  it('takes a reading by MQTT over TLS; a plain connection never comes to its sign-in', async () => {
    const user = { username: 'g-1', password: 'g-1 secret', reconnectPeriod: 0, connectTimeout: 5000 };
    const gateway = await connectAsync(`mqtts://localhost:${mqtt}`, { ...user, ca });
    await gateway.publishAsync('parks/p-1/meters/published/readings', '{"active_power":3}', { qos: 1 });
    await gateway.endAsync();
    expect(await latest('published')).to.deep.equal([3]);
    const plain = await connectAsync(`mqtt://localhost:${mqtt}`, user, false).then(
      () => 'welcome',
      () => 'refused',
    );
    expect(plain).to.equal('refused');
  });

  it('takes a message of HJ 212 over TLS; a plain one has no answer and the connection ends', async () => {
    const options = { host: 'localhost', port: hj212, mn: 'MN1', pw: 'logger secret' };
    const station = await Station.connect({ ...options, tls: { ca: ca.toString() } });
    expect(await station.send(SO2(Date.now() - 60_000))).to.equal(true);
    station.close();
    expect(await latest('stack-1')).to.deep.equal([58]);
    const plain = await Station.connect({ ...options, tries: 1 });
    expect(await plain.send(SO2(Date.now()))).to.equal(false);
    expect(plain.closed).to.equal(true);
  });
});
