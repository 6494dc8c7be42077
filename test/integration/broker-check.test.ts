import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { type AddressInfo, connect as connectSocket, createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { expect } from 'chai';
import { connect } from 'mqtt';
import { verdictsOn } from '../../cli/broker-runs.ts';
import { type BrokerCheckOptions, type BrokerFindings, checkBroker } from '../../ingest/transports/broker-check.ts';
import { EmbeddedBroker } from '../../ingest/transports/embedded-broker.ts';
import { aRig, quiet } from '../ingest/harness.ts';
import { requireServer } from '../real-servers.ts';
import { Mosquitto, type MosquittoOptions } from '../servers/mosquitto.ts';
import { freePort } from '../servers/program.ts';
import { type Ended, type Environment, GreenparkRun, greenpark } from './greenpark-process.ts';

/** Bytes that only the subscriber hears which came back, some way into what was kept for it. */
const IN_THE_HOLD = 300_000;

/** Passes on what goes to a broker and comes from it; `onHold` is called once, with the subscriber's connection, while it is handed what was kept. */
class Relay {
  readonly #server;
  readonly #sockets = new Set<Socket>();

  constructor(port: number, onHold: (subscriber: Socket) => void) {
    let isCalled = false;
    this.#server = createServer((near) => {
      const far = connectSocket(port, '127.0.0.1');
      for (const [from, to] of [
        [near, far],
        [far, near],
      ] as const) {
        this.#sockets.add(from.on('error', () => {}));
        from.once('close', () => to.destroy());
        from.pipe(to);
      }
      let bytes = 0;
      far.on('data', ({ length }) => {
        bytes += length;
        if (isCalled || bytes < IN_THE_HOLD) return;
        isCalled = true;
        onHold(near);
      });
    });
  }

  async listen(): Promise<string> {
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
    return `mqtt://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  close(): void {
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
  }
}

describe('greenpark broker check', function () {
  this.timeout(30_000);
  let mosquitto: Mosquitto | null = null;
  let relay: Relay | null = null;

  afterEach(async () => {
    relay?.close();
    relay = null;
    await mosquitto?.remove();
    mosquitto = null;
  });

  async function started(test: Mocha.Context, options: MosquittoOptions): Promise<Mosquitto> {
    mosquitto = await Mosquitto.start(requireServer(test, 'mosquitto'), { persistence: false, ...options });
    return mosquitto;
  }

  /** Its address, by way of a relay. */
  function relayed({ port }: Mosquitto, onHold: (subscriber: Socket) => void): Promise<string> {
    relay = new Relay(port, onHold);
    return relay.listen();
  }

  /** In this process, and without the patience of the command. */
  const briefly = (url: string, more: Partial<BrokerCheckOptions> = {}): Promise<BrokerFindings> =>
    checkBroker({ url, protocolVersion: 5, messages: 5000, logger: quiet, signal: new AbortController().signal, answerWithinMs: 1000, ...more });

  const failure = (check: Promise<unknown>): Promise<string> =>
    check.then(
      () => 'none',
      (error: Error) => error.message,
    );

  /** Whether the session of the check is still at the broker, whose log says what it is called. */
  async function isSessionLeft({ folder, url }: Mosquitto): Promise<boolean> {
    const clientId = /as (greenpark-check-[0-9a-f]+)/.exec(readFileSync(join(folder, 'log'), 'utf8'))?.[1] ?? '';
    expect(clientId).to.not.equal('');
    const again = connect(url, { clientId, clean: false, protocolVersion: 5 });
    const sessionPresent = await new Promise<boolean>((resolve) => again.once('connect', (connack) => resolve(connack.sessionPresent)));
    await again.endAsync();
    return sessionPresent;
  }

  async function check(
    test: Mocha.Context,
    options: MosquittoOptions,
    env: Environment = {},
    args: readonly string[] = ['--json'],
    version = 5,
  ): Promise<Ended> {
    const { folder, url } = await started(test, options);
    const file = join(folder, 'greenpark.yaml');
    writeFileSync(file, `mqtt: { protocolVersion: ${version} }\n`);
    return greenpark(['broker', 'check', '--messages', '5000', ...args], { GREENPARK_MQTT_URL: url, GREENPARK_CONFIG: file, ...env });
  }

  const found = ({ out }: Ended): BrokerFindings & { faults: string[] } => JSON.parse(out);

  it('finds nothing to set at a Mosquitto as docs/operations.md wants it, and leaves no session there', async function () {
    const ended = await check(this, {});
    expect(ended).to.include({ code: 0, err: '' });
    expect(found(ended)).to.deep.equal({
      ...{ sent: 5000, sessionKept: true, sessionSeconds: null, kept: 5000, gone: 'none', ahead: 5000 },
      ...{ maximumPacketBytes: null, faults: [] },
    });
    expect(await isSessionLeft(mosquitto as Mosquitto)).to.equal(false);
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

  it('tells a user who may publish and hears nothing which right is missing, and does not call it a queue that ends', async function () {
    const { url } = await started(this, { users: { greenpark: 'own' }, acl: ['user greenpark', 'topic write greenpark/check/#'] });
    const user = { username: 'greenpark', password: 'own' };
    expect(await failure(briefly(url, user))).to.equal(
      "user greenpark may publish below greenpark/check/ but hears nothing there; give it the right to read, in Mosquitto's list: topic readwrite greenpark/check/#",
    );
    expect(await failure(briefly(url, { ...user, protocolVersion: 4 }))).to.match(
      /^nothing comes back of what user greenpark publishes .+ to read or to write/,
    );
  });

  it('tells a message that is too large from a right that is missing', async function () {
    const { url } = await started(this, { config: ['message_size_limit 100', 'max_queued_messages 1000'] });
    expect(await failure(briefly(url))).to.match(
      /^the broker's answer to a message of 200 bytes below greenpark\/check\/ is none of MQTT's \(Invalid puback reason code\); a limit on size or memory may be why/,
    );
    // MQTT 3.1.1 has it acknowledged and thrown away.
    expect(await failure(briefly(url, { protocolVersion: 4 }))).to.match(/or 200 bytes are too many/);
  });

  it('says that the broker ended the connection of the publisher, and its reason where it gives one', async function () {
    const { url } = await started(this, { config: ['max_packet_size 200'] });
    const ended = 'the broker ended the connection of the publisher (message of 200 bytes below greenpark/check/)';
    const hint = "; a limit on size or memory may be why, or a right that user (none) lacks (in Mosquitto's list: topic readwrite greenpark/check/#)";
    expect(await failure(briefly(url))).to.equal(`${ended}: Packet too large, reason code 149${hint}`);
    expect(await failure(briefly(url, { protocolVersion: 4 }))).to.equal(`${ended}${hint}`);
  });

  it('counts what was handed over ahead on one connection, though that broke and all of it came again', async function () {
    const broker = await started(this, { config: ['max_inflight_messages 1500'] });
    const url = await relayed(broker, (subscriber) => subscriber.destroy());
    const findings = await briefly(url, { protocolVersion: 4, answerWithinMs: 5000 });
    expect(findings).to.include({ sessionKept: true, kept: 5000, ahead: 1500 });
    expect(readFileSync(join(broker.folder, 'log'), 'utf8').match(/as greenpark-check-[0-9a-f]+ \(p2, c0/g), 'connections of the session').to.have.length(3);
  });

  it('ends soon with a broker that freezes, and says that it does not answer', async function () {
    const broker = await started(this, {});
    const url = await relayed(broker, () => void broker.pause());
    const began = Date.now();
    expect(await failure(briefly(url))).to.match(/^no (connection to|subscription at) mqtt:.+: (connack timeout|no answer)$/);
    // Its patience of a second in each phase, and half of it for giving back the session.
    expect(Date.now() - began).to.be.below(10_000);
  });

  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    it(`gives its session back when it is ended by ${signal}`, async function () {
      const broker = await started(this, {});
      const url = await relayed(broker, () => void run.end(signal));
      const run = new GreenparkRun(['broker', 'check', '--messages', '5000'], { GREENPARK_MQTT_URL: url });
      expect(await run.ended).to.deep.equal({ code: 1, signal: null, out: '', err: 'greenpark: stopped before the check was done\n' });
      expect(await isSessionLeft(broker)).to.equal(false);
    });
  }

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
