import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { requireServer } from '../real-servers.ts';
import { Influx } from '../servers/influx.ts';
import { freePort } from '../servers/program.ts';
import { eventually } from './callers.ts';
import { expectAllInInflux } from './counted-load.ts';
import { ParkUnderLoad } from './park-under-load.ts';

const KILLS = 4;

describe('InfluxDB killed in the middle of its writes, again and again', function () {
  this.timeout(90_000);
  let folder: string;
  let park: ParkUnderLoad;
  let influx: Influx;

  beforeEach(async function () {
    influx = await Influx.start(requireServer(this, 'influxd'));
    folder = await mkdtemp(join(tmpdir(), 'greenpark-database-'));
    park = await ParkUnderLoad.register(folder);
  });
  afterEach(async () => {
    await park.close();
    await influx.remove();
    await rm(folder, { recursive: true, force: true });
  });

  for (const [name, spoolLimitMb] of [
    ['with the spool', 1024],
    ['without it, so that the gateways wait', 0],
  ] as const) {
    it(`${name}: everything that was acknowledged is there once`, async () => {
      const port = await freePort();
      const file = join(folder, 'greenpark.yaml');
      await writeFile(file, `influx: { url: "${influx.url}", version: 1 }\nmqtt: { port: ${port} }\ningest: { spoolLimitMb: ${spoolLimitMb} }\n`);
      await park.start({ GREENPARK_CONFIG: file, GREENPARK_MQTT_PORT: String(port) });
      const load = await park.load(`mqtt://127.0.0.1:${port}`, 10);
      const times: string[] = [];
      for (let kill = 0; kill < KILLS; kill++) {
        const goal = load.acknowledged + 300 + Math.round(Math.random() * 300);
        await eventually(() => load.acknowledged > goal, 'PUBACKs');
        await influx.kill();
        await eventually(async () => (await park.notReady()).includes('store'), 'the word of it');
        await influx.start();
        const back = performance.now();
        await eventually(async () => (await park.notReady()).length === 0, 'readiness', 30_000);
        times.push(((performance.now() - back) / 1000).toFixed(1));
      }
      const counted = await load.end();
      expect(load.acknowledged).to.equal(counted.total);
      if (spoolLimitMb > 0) await eventually(async () => (await park.metric('greenpark_spool_readings')) === 0, 'an empty spool', 30_000);
      expect(await park.metric('greenpark_ingest_retries_total', '{target="store"}')).to.be.at.least(KILLS);
      expect(await park.end('SIGTERM')).to.equal(0);
      await expectAllInInflux(influx.url, folder, counted);
      console.log(`      ${counted.total} messages, all stored once; ready again ${times.join(', ')} s after InfluxDB answered`);
    });
  }
});
