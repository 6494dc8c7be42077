import { expect } from 'chai';
import type { DecodedIntake } from '../../../ingest/port.ts';
import { SparkplugSessions } from '../../../ingest/sparkplug/sessions.ts';
import { EmbeddedSparkplug } from '../../../ingest/transports/embedded-sparkplug.ts';
import { NOW, quiet, until } from '../harness.ts';

describe('the Sparkplug host of the embedded broker', () => {
  it('tells the nodes to keep their data while the pipeline is full for long, with times that never fall', async () => {
    const told: { online: boolean; timestamp: number }[] = [];
    const listeners = new Set<(full: boolean) => void>();
    const pipeline: DecodedIntake = {
      full: false,
      acceptDecoded: () => {},
      onPressure: (listener) => {
        listeners.add(listener);
        return () => listeners.delete(listener);
      },
    };
    const press = (full: boolean) => {
      for (const listener of listeners) listener(full);
    };
    let now = NOW;
    const host = await EmbeddedSparkplug.start({
      ...{ hostId: 'host', pipeline, pressureGraceMs: 1, clock: () => now, logger: quiet },
      sessions: new SparkplugSessions({ current: { meter: () => undefined, gateways: [] } as never }),
      broker: { publish: async (_topic, payload) => void told.push(JSON.parse(String(payload))) },
    });
    press(true);
    press(false);
    expect(told, 'full for a moment').to.deep.equal([{ online: true, timestamp: NOW }]);
    now += 1000;
    press(true);
    await until(() => told.length === 2, 'the STATE');
    now -= 7_200_000;
    press(false);
    await host.stop();
    expect(listeners.size).to.equal(0);
    expect(told.slice(1)).to.deep.equal([false, true, false].map((online) => ({ online, timestamp: NOW + 1000 })));
  });
});
