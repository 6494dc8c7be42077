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
  readonly onAcknowledged: () => void;
}

/** Messages under way at most for each client: a gateway bounds them, and after a lost connection mqtt.js repeats them one by one, each after the PUBACK of the last. */
const WINDOW_PER_CLIENT = 50;

/** Publishes one reading per message, by the clients in turn; answers what was published when all of it has its PUBACK, and never when they are ended before. */
export async function publishLoad(clients: readonly MqttClient[], { from, more, restMs = 0, onAcknowledged }: Publishing): Promise<CountedLoad> {
  let total = 0;
  let underWay = 0;
  const acknowledged = () => {
    underWay--;
    onAcknowledged();
  };
  while (more(total)) {
    const good = JSON.stringify({ ts: from + total, values: { active_power: total, voltage_a: 230 } });
    const payload = total % BAD_EVERY === 0 ? 'not a reading' : good;
    const client = clients[total % clients.length] as MqttClient;
    underWay++;
    void publishUntilAcknowledged(client, `parks/p-1/meters/m-${1 + (total % 2)}/readings`, payload).then(acknowledged);
    total++;
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
const goodOnes = ({ total }: CountedLoad): number[] => Array.from({ length: total }, (_, n) => n).filter((n) => n % BAD_EVERY !== 0);

/** Looks into the files of a service that has ended: every good message is stored once, every malformed one is a dead letter. */
export async function expectAllStoredOnce(folder: string, load: CountedLoad): Promise<void> {
  const registry = await openRegistry(join(folder, 'registry.db'));
  const store = await openEmbeddedStore({ directory: join(folder, 'readings') });
  try {
    const values: number[] = [];
    for (const meter of await registry.meters.all()) {
      const raw = await store.raw({ meter: meter.ordinal, quantity: POWER, from: load.from, to: load.from + load.total, limit: load.total * 2 });
      values.push(...raw.value);
    }
    expect(values.sort((a, b) => a - b)).to.deep.equal(goodOnes(load));
    const letters = await registry.deadLetters.countByReason();
    // A letter may be written twice, when the crash came between it and its PUBACK, and is never missing.
    expect(letters.get('not-json')).to.be.at.least(load.total / BAD_EVERY);
  } finally {
    await store.close();
    registry.close();
  }
}
