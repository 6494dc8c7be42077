import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as rest } from 'node:timers/promises';
import { expect } from 'chai';
import { requireServer } from '../real-servers.ts';
import { Influx } from '../servers/influx.ts';
import { freePort } from '../servers/program.ts';
import { eventually } from './callers.ts';
import { expectAllInInflux } from './counted-load.ts';
import type { Environment } from './greenpark-process.ts';
import { ParkUnderLoad, secondsSince } from './park-under-load.ts';

describe('a service that is started while InfluxDB is away', function () {
  this.timeout(60_000);
  let folder: string;
  let park: ParkUnderLoad;
  let influx: Influx;
  let env: Environment;
  let broker: string;

  beforeEach(async function () {
    influx = await Influx.start(requireServer(this, 'influxd'));
    folder = await mkdtemp(join(tmpdir(), 'greenpark-start-'));
    park = await ParkUnderLoad.register(folder);
    const [httpPort, mqttPort] = [await freePort(), await freePort()];
    broker = `mqtt://127.0.0.1:${mqttPort}`;
    env = {
      ...{ GREENPARK_HTTP_PORT: String(httpPort), GREENPARK_MQTT_PORT: String(mqttPort) },
      ...{ GREENPARK_INFLUX_URL: influx.url, GREENPARK_INFLUX_VERSION: '1' },
    };
  });
  afterEach(async () => {
    await park.close();
    await influx.remove();
    await rm(folder, { recursive: true, force: true });
  });

  const status = (path: string): Promise<number> =>
    fetch(`${park.service.url}${path}`).then(
      (answer) => answer.status,
      () => 0,
    );

  it('lives, says what it waits for, and takes everything when the server is there: what was stored before is known again', async () => {
    await park.start(env);
    const load = await park.load(broker);
    await eventually(() => load.acknowledged > 300, 'PUBACKs');
    // Some readings wait in the spool when everything goes down.
    await influx.kill();
    await eventually(async () => (await park.metric('greenpark_spool_readings')) > 50, 'a spool with readings', 30_000);
    await park.end('SIGKILL');
    park.launch(env);
    await eventually(async () => (await status('/healthz')) === 200, 'life', 20_000);
    await eventually(() => park.said.includes('the start waits until the store answers; gateways keep their messages'), 'the word of it');
    expect(await status('/readyz')).to.equal(503);
    expect(await park.notReady()).to.deep.equal(['store']);
    expect(await status('/api/v1/parks')).to.equal(503);
    const before = load.acknowledged;
    await rest(1000);
    expect(load.acknowledged).to.equal(before);
    await influx.start();
    const begun = performance.now();
    await eventually(() => load.acknowledged > before, 'a PUBACK', 30_000);
    const seconds = secondsSince(begun);
    const counted = await load.end();
    await eventually(async () => (await park.notReady()).length === 0 && (await park.metric('greenpark_spool_readings')) === 0, 'an empty spool', 30_000);
    // Known from the store: it is no news.
    const again = await park.gateway(broker);
    await again.publishAsync('parks/p-1/meters/m-2/readings', JSON.stringify({ ts: counted.from + 1, values: { active_power: 1 } }), { qos: 1 });
    expect(await park.metric('greenpark_ingest_messages_total', '{outcome="duplicate"}')).to.be.at.least(1);
    expect(await park.end('SIGTERM')).to.equal(0);
    await expectAllInInflux(influx.url, folder, counted);
    console.log(`      PUBACKs ${seconds} after InfluxDB answered; ${counted.total} messages, all stored once`);
  });

  it('ends with code 0 when it is told to, whether the server is away or silent', async () => {
    for (const fail of [() => influx.kill(), () => influx.pause()]) {
      await fail();
      park.launch(env);
      await eventually(async () => (await status('/healthz')) === 200, 'life', 20_000);
      await rest(300);
      const begun = performance.now();
      expect(await park.end('SIGTERM')).to.equal(0);
      expect(performance.now() - begun).to.be.below(10_000);
      await influx.kill();
      await influx.start();
    }
  });
});
