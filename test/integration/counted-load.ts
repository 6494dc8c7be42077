import { join } from 'node:path';
import { expect } from 'chai';
import type { MqttClient } from 'mqtt';
import { quantityOf } from '../../model/quantities.ts';
import { openEmbeddedStore } from '../../store/embedded/open.ts';
import { openRegistry } from '../../store/registry/open.ts';

const POWER = quantityOf('active_power').code;
/** Every so often a message is malformed. */
const BAD_EVERY = 250;

/** A park for the load: two meters behind one gateway. */
export const LOAD_PARK = {
  parks: [{ id: 'p-1', name: 'Park', region: '510112', timeZone: 'Asia/Shanghai' }],
  gateways: [{ id: 'g-1', park: 'p-1', name: 'Gateway' }],
  meters: ['m-1', 'm-2'].map((id) => ({
    id,
    park: 'p-1',
    enterprise: null,
    name: id,
    kind: 'electricity',
    parent: null,
    multiplier: 1,
    gateway: 'g-1',
    intervalSeconds: 60,
  })),
};

/** Messages that can be told apart when they are stored: the n-th reads n kW, n ms after `from`. */
export interface CountedLoad {
  readonly from: number;
  readonly total: number;
}

export interface Publishing {
  readonly from: number;
  /** Is the n-th message still wanted? */
  readonly more: (n: number) => boolean;
  /** Rest after each hundred messages, ms; left out: none. */
  readonly restMs?: number;
  /** Told with the message's number. */
  readonly onAcknowledged: (n: number) => void;
}

/** Messages under way at most for each client: a gateway bounds them, and after a lost connection mqtt.js repeats them one by one, each after the PUBACK of the last. */
const WINDOW_PER_CLIENT = 50;

/** Publishes one reading per message, by the clients in turn; answers what was published when all of it has its PUBACK, and never when they are ended before. */
export async function publishLoad(clients: readonly MqttClient[], { from, more, restMs = 0, onAcknowledged }: Publishing): Promise<CountedLoad> {
  let total = 0;
  let underWay = 0;
  while (more(total)) {
    const good = JSON.stringify({ ts: from + total, values: { active_power: total, voltage_a: 230 } });
    const payload = total % BAD_EVERY === 0 ? 'not a reading' : good;
    const client = clients[total % clients.length] as MqttClient;
    const n = total++;
    underWay++;
    void publishUntilAcknowledged(client, `parks/p-1/meters/m-${1 + (n % 2)}/readings`, payload).then(() => {
      underWay--;
      onAcknowledged(n);
    });
    if (total % 100 === 0) await new Promise((resolve) => (restMs === 0 ? setImmediate(resolve) : setTimeout(resolve, restMs)));
    while (underWay >= WINDOW_PER_CLIENT * clients.length && !client.disconnecting) await new Promise((resolve) => setTimeout(resolve, 5));
  }
  while (underWay > 0) await new Promise((resolve) => setTimeout(resolve, 5));
  return { from, total };
}

/** A connection that goes while mqtt.js repeats its messages makes it give them up: a gateway begins again with them, as here. */
async function publishUntilAcknowledged(client: MqttClient, topic: string, payload: string): Promise<void> {
  for (;;) {
    try {
      await client.publishAsync(topic, payload, { qos: 1 });
      return;
    } catch {
      await new Promise<void>((resolve) => {
        // Whoever ended the client waits for nothing any more.
        if (!client.disconnecting) setTimeout(resolve, 50);
      });
    }
  }
}

/** What should be stored of the load, given that nothing of it is lost. */
export const goodOnes = ({ total }: CountedLoad): number[] => Array.from({ length: total }, (_, n) => n).filter((n) => n % BAD_EVERY !== 0);

/** Looks into the files of a service that has ended: every good message is stored once, every malformed one is a dead letter. */
export async function expectAllStoredOnce(folder: string, load: CountedLoad): Promise<void> {
  expect(await storedIn(folder, load)).to.deep.equal(goodOnes(load));
  await expectLetters(folder, load);
}

/** The same where the readings rest in an InfluxDB. */
export async function expectAllInInflux(url: string, folder: string, load: CountedLoad): Promise<void> {
  expect(await storedInInflux(url)).to.deep.equal(goodOnes(load));
  await expectLetters(folder, load);
}

/** Numbers of the messages that the embedded store of a service that has ended holds, in order. */
export async function storedIn(folder: string, load: CountedLoad): Promise<number[]> {
  const registry = await openRegistry(join(folder, 'registry.db'));
  const store = await openEmbeddedStore({ directory: join(folder, 'readings') });
  try {
    const values: number[] = [];
    for (const meter of await registry.meters.all()) {
      const raw = await store.raw({ meter: meter.ordinal, quantity: POWER, from: load.from, to: load.from + load.total, limit: load.total * 2 });
      values.push(...raw.value);
    }
    return values.sort((a, b) => a - b);
  } finally {
    await store.close();
    registry.close();
  }
}

/** The same of all that an InfluxDB 1 itself says it holds. */
export async function storedInInflux(url: string): Promise<number[]> {
  const answer = await fetch(`${url}/query?db=greenpark&chunked=false`, {
    method: 'POST',
    body: new URLSearchParams({ q: 'SELECT * FROM /.*/ ORDER BY time' }),
  });
  const { results } = (await answer.json()) as { results: { series?: { columns: string[]; values: unknown[][] }[] }[] };
  const values = (results[0]?.series ?? []).flatMap(({ columns, values: points }) => {
    const at = columns.findIndex((column) => column.includes('active_power') && !column.includes('quality'));
    return points.map((point) => Number(point[at]));
  });
  return values.sort((a, b) => a - b);
}

async function expectLetters(folder: string, load: CountedLoad): Promise<void> {
  const registry = await openRegistry(join(folder, 'registry.db'));
  try {
    // A letter may be written twice, when the crash came between it and its PUBACK, and is never missing.
    expect((await registry.deadLetters.countByReason()).get('not-json')).to.be.at.least(Math.ceil(load.total / BAD_EVERY));
  } finally {
    registry.close();
  }
}
