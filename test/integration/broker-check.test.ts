import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { connect } from 'mqtt';
import { verdictsOn } from '../../cli/broker-runs.ts';
import type { BrokerFindings } from '../../ingest/transports/broker-check.ts';
import { EmbeddedBroker } from '../../ingest/transports/embedded-broker.ts';
import { aRig, quiet } from '../ingest/harness.ts';
import { requireServer } from '../real-servers.ts';
import { Mosquitto, type MosquittoOptions } from '../servers/mosquitto.ts';
import { freePort } from '../servers/program.ts';
import { type Ended, type Environment, greenpark } from './greenpark-process.ts';

describe('greenpark broker check', function () {
  this.timeout(30_000);
  let mosquitto: Mosquitto | null = null;

  afterEach(async () => {
    await mosquitto?.remove();
    mosquitto = null;
  });

  async function check(
    test: Mocha.Context,
    options: MosquittoOptions,
    env: Environment = {},
    args: readonly string[] = ['--json'],
    version = 5,
  ): Promise<Ended> {
    mosquitto = await Mosquitto.start(requireServer(test, 'mosquitto'), { persistence: false, ...options });
    const file = join(mosquitto.folder, 'greenpark.yaml');
    writeFileSync(file, `mqtt: { protocolVersion: ${version} }\n`);
    return greenpark(['broker', 'check', '--messages', '5000', ...args], { GREENPARK_MQTT_URL: mosquitto.url, GREENPARK_CONFIG: file, ...env });
  }

  const found = ({ out }: Ended): BrokerFindings & { faults: string[] } => JSON.parse(out);

  it('finds nothing to set at a Mosquitto as docs/operations.md wants it, and leaves no session there', async function () {
    const ended = await check(this, {});
    expect(ended).to.include({ code: 0, err: '' });
    expect(found(ended)).to.deep.equal({
      ...{ sent: 5000, sessionKept: true, sessionSeconds: null, kept: 5000, gone: 'none', ahead: 5000 },
      ...{ maximumPacketBytes: null, faults: [] },
    });
    const { folder, url } = mosquitto as Mosquitto;
    const clientId = /as (greenpark-check-[0-9a-f]+)/.exec(readFileSync(join(folder, 'log'), 'utf8'))?.[1] ?? '';
    expect(clientId).to.not.equal('');
    const again = connect(url, { clientId, clean: false, protocolVersion: 5 });
    const sessionPresent = await new Promise<boolean>((resolve) => again.once('connect', (connack) => resolve(connack.sessionPresent)));
    expect(sessionPresent).to.equal(false);
    await again.endAsync();
  });

  it('sees a queue that ends, and who loses by it', async function () {
    const ended = await check(this, { config: ['max_queued_messages 100'] });
    expect(ended.code).to.equal(1);
    expect(found(ended)).to.include({ kept: 100, gone: 'newest' }).and.to.have.deep.property('faults', ['queue']);
  });

  it('sees that MQTT 3.1.1 gets few messages ahead where the broker says nothing else', async function () {
    const ended = await check(this, { config: ['max_inflight_messages 20'] }, {}, ['--json'], 4);
    expect(found(ended)).to.include({ kept: 5000, ahead: 20 }).and.to.have.deep.property('faults', ['window']);
  });

  it('says in words what to set', async function () {
    const { code, out } = await check(this, { config: ['max_queued_messages 100'] }, {}, []);
    expect(code).to.equal(1);
    expect(out.split('\n').slice(0, 4).join('\n')).to.equal(`${mosquitto?.url}, MQTT 5, user (none)
good  session   kept while the service is away
BAD   queue     100 of 5,000 messages were there when the service came back; the newest are lost, though their senders have a PUBACK
                Mosquitto: max_queued_messages 2147483647, max_queued_bytes 0. EMQX: mqtt.max_mqueue_len = infinity`);
  });

  it('says which right is missing', async function () {
    const options = { users: { greenpark: 'own' }, acl: ['user greenpark', 'topic read greenpark/check/#'] };
    const env = { GREENPARK_MQTT_USERNAME: 'greenpark', GREENPARK_MQTT_PASSWORD: 'own' };
    const { code, err } = await check(this, options, env);
    expect(code).to.equal(1);
    expect(err).to.match(
      /^greenpark: the broker does not let user greenpark publish below greenpark\/check\/ \(.+\); .+topic readwrite greenpark\/check\/#\n$/,
    );
  });

  it('says why there is no connection, without what is secret in the address', async () => {
    const port = await freePort();
    const { code, err } = await greenpark(['broker', 'check'], { GREENPARK_MQTT_URL: `mqtt://user:secret@127.0.0.1:${port}` });
    expect([code, err]).to.deep.equal([1, `greenpark: no connection to mqtt://127.0.0.1:${port}: connect ECONNREFUSED 127.0.0.1:${port}\n`]);
    const without = await greenpark(['broker', 'check']);
    expect([without.code, without.err]).to.deep.equal([
      1,
      'greenpark: GREENPARK_MQTT_URL is not set: the service brings a broker of its own, which needs no check\n',
    ]);
  });

  it('says of a broker without MQTT 5 what the service needs for it', async () => {
    const broker = await EmbeddedBroker.start({
      host: '127.0.0.1',
      port: 0,
      pipeline: aRig().pipeline,
      authenticateGateway: async () => true,
      clock: Date.now,
      logger: quiet,
    });
    const { err } = await greenpark(['broker', 'check'], { GREENPARK_MQTT_URL: `mqtt://127.0.0.1:${broker.address.port}` });
    await broker.stop();
    expect(err).to.match(/Unacceptable protocol version; it does not speak MQTT 5: set mqtt.protocolVersion to 4\n$/);
  });

  it('finds fault with a session that is not kept, or not for long', () => {
    const good: BrokerFindings = {
      ...{ sent: 5000, sessionKept: true, sessionSeconds: null, kept: 5000, gone: 'none', ahead: 5000, maximumPacketBytes: 1_048_576 },
    };
    const faults = (change: Partial<BrokerFindings>) => verdictsOn({ ...good, ...change }).flatMap(({ about, advice }) => (advice === null ? [] : [about]));
    expect(faults({})).to.deep.equal([]);
    expect(faults({ sessionKept: false, kept: 0, gone: 'some', ahead: 0 })).to.deep.equal(['session', 'queue']);
    expect(faults({ sessionSeconds: 7200 })).to.deep.equal(['session']);
    expect(faults({ ahead: 1999 })).to.deep.equal(['window']);
    expect(faults({ ahead: 2000 })).to.deep.equal([]);
  });
});
