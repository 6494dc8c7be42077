import { join } from 'node:path';
import { Pipeline } from '../../ingest/pipeline.ts';
import { EmbeddedBroker } from '../../ingest/transports/embedded-broker.ts';
import { MqttIngest } from '../../ingest/transports/mqtt-client.ts';
import { LatestReadings } from '../../model/latest.ts';
import { openEmbeddedStore } from '../../store/embedded/open.ts';
import { Directory } from '../../store/registry/directory.ts';
import { parseRegistryDocument } from '../../store/registry/document.ts';
import { openRegistry } from '../../store/registry/open.ts';
import { quiet } from '../ingest/harness.ts';
import { LOAD_PARK } from './counted-load.ts';

// Ingest on the real store and registry in a process of its own, to be killed by a test: node ingest-process.js FOLDER PORT [BROKER]
// Without a broker's address it is one itself, on PORT. Says "ready" when it takes messages and "committed" with the newest time of each block; SIGTERM stops it cleanly.
const [folder = '', port = '0', broker] = process.argv.slice(2);

const registry = await openRegistry(join(folder, 'registry.db'));
await registry.import(parseRegistryDocument(JSON.stringify(LOAD_PARK)), { actor: 'test', at: Date.now() });
const store = await openEmbeddedStore({ directory: join(folder, 'readings') });
const latest = new LatestReadings();
for (const { meter, quantity, ts, value, quality } of await store.latest()) latest.offer(latest.seriesOf(meter, quantity), ts, value, quality);

const pipeline = new Pipeline({
  directory: { current: await Directory.load(registry) },
  latest,
  store,
  deadLetters: registry.deadLetters,
  clock: Date.now,
  logger: quiet,
  judge: () => {},
  onCommitted: (block) => process.stdout.write(`committed ${Math.max(...block.ts)}\n`),
});
const common = { pipeline, clock: Date.now, logger: quiet };
let stopTransport: () => Promise<void>;
if (broker === undefined) {
  const embedded = await EmbeddedBroker.start({
    ...common,
    port: Number(port),
    host: '127.0.0.1',
    authenticateGateway: async (id, secret) => id === 'g-1' && secret === 'one',
  });
  stopTransport = () => embedded.stop();
} else {
  const client = new MqttIngest({ ...common, url: broker, clientId: 'greenpark-test', reconnect: { firstMs: 50, longestMs: 200 } });
  await client.online(10_000);
  stopTransport = () => client.stop();
}
process.once('SIGTERM', async () => {
  await stopTransport();
  await pipeline.stop();
  await store.close();
  registry.close();
});
process.stdout.write('ready\n');
