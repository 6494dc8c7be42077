import { expect } from 'chai';
import { Pipeline } from '../../ingest/pipeline.ts';
import { LatestReadings } from '../../model/latest.ts';
import { qualityName } from '../../model/quality.ts';
import { quantityOf } from '../../model/quantities.ts';
import type { ReadingStore } from '../../store/port.ts';
import { aMeter, directoryOf, NOW, quiet } from '../ingest/harness.ts';
import { storeTargets } from './store-targets.ts';

const MINUTE = 60_000;
const ENERGY = quantityOf('active_energy_import').code;

for (const target of storeTargets()) {
  describe(`late readings in the ${target.name}`, () => {
    let store: ReadingStore;
    before(async function () {
      await target.start(this);
      store = await target.open();
    });
    after(async () => {
      await store?.close();
      await target.stop();
    });

    it('are held against what is stored around them, of many meters and over a restart of ingest', async () => {
      const meters = Array.from({ length: 50 }, (_, at) => aMeter(at + 1));
      const began = () => {
        const latest = new LatestReadings();
        // As a start finds it: every meter has a reading that is newer than what comes.
        for (const { ordinal } of meters) latest.offer(latest.seriesOf(ordinal, ENERGY), NOW - MINUTE, 53_720, 0);
        const parts = { directory: { current: directoryOf(...meters) }, store, deadLetters: { add: async () => 0 }, clock: () => NOW, logger: quiet };
        return new Pipeline({ ...parts, latest, judge: () => {} });
      };
      const send = (pipeline: Pipeline, meter: number, ...reads: (readonly [minute: number, register: number])[]) =>
        new Promise<void>((resolve, reject) => {
          const payload = Buffer.from(JSON.stringify(reads.map(([minute, value]) => ({ ts: NOW + minute * MINUTE, values: { active_energy_import: value } }))));
          const message = { topic: `parks/p-1/meters/m-${meter}/readings`, payload, gateway: null, transport: 'test', receivedAt: NOW };
          pipeline.accept(message, (error) => (error === undefined ? resolve() : reject(error)));
        });
      const first = began();
      for (const { ordinal } of meters) await send(first, ordinal, [-60, 53_700], [-1, 53_720]);
      await Promise.all(meters.map(({ ordinal }) => send(first, ordinal, [-50, 0], [-45, 53_701 + ordinal / 100])));
      await first.stop();
      const second = began();
      await Promise.all(meters.map(({ ordinal }) => send(second, ordinal, [-40, 0])));
      await Promise.all(meters.map(({ ordinal }) => send(second, ordinal, [-30, 53_710], [-20, 99_999])));
      await second.stop();

      for (const { ordinal } of meters) {
        const { ts, value, quality, length } = await store.raw({ meter: ordinal, quantity: ENERGY, from: NOW - 90 * MINUTE, to: NOW, limit: 100 });
        const found = Array.from({ length }, (_, at) => [((ts[at] as number) - NOW) / MINUTE, value[at], qualityName(quality[at] as number)].join(' '));
        expect(found).to.deep.equal([
          '-60 53700 good',
          '-50 0 backwards',
          `-45 ${53_701 + ordinal / 100} good`,
          '-40 0 backwards',
          '-30 53710 good',
          '-20 99999 backwards',
          '-1 53720 good',
        ]);
      }
    });
  });
}
