import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { pino } from 'pino';
import { readConfig } from '../../config.ts';
import { withCore } from '../../core.ts';
import type { ParkId } from '../../model/ids.ts';
import { quantityOf } from '../../model/quantities.ts';
import { ReadingBlockBuilder } from '../../model/reading.ts';
import { parseRegistryDocument } from '../../store/registry/document.ts';

const PARK = 'north' as ParkId;
const NOW = Date.UTC(2026, 0, 15, 4);
const TERMS = parseRegistryDocument(`
parks: [{ id: north, name: 北园, region: '510112' }]
meters: [{ id: m-1, park: north, name: 总表, kind: electricity }]
rules: [{ id: r, park: north, name: 功率, type: limit, subject: { meter: m-1 }, quantity: active_power, level: red, side: above, value: 5, judged: { by: instant } }]
`);

describe('a rule that was put', () => {
  it('is in force as soon as the directory is refreshed, and no longer once it was deleted', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'greenpark-rules-'));
    try {
      await withCore(readConfig({ GREENPARK_DATA_DIR: folder }), { clock: () => NOW, logger: pino({ level: 'silent' }) }, async (core) => {
        await core.registry.import(TERMS, { actor: 'test', at: NOW });
        await core.directory.refresh();
        const meter = core.directory.current.meter('m-1')?.ordinal ?? -1;
        const { code } = quantityOf('active_power');
        const block = new ReadingBlockBuilder(1);
        block.push(core.latest.seriesOf(meter, code), meter, code, NOW, 6, 0);
        // Not a moment later: nothing may happen between the refresh and this.
        core.alerts.judge(block.take());
        expect(core.alerts.open().map(({ rule }) => rule)).to.deep.equal(['r']);
        await core.registry.rules.delete(PARK, 'r');
        await core.directory.refresh();
        expect(core.alerts.open()).to.deep.equal([]);
      });
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });

  it('says nothing of history that is delivered late on purpose, and of a buffer without that mark all the same', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'greenpark-rules-'));
    try {
      await withCore(readConfig({ GREENPARK_DATA_DIR: folder }), { clock: () => NOW, logger: pino({ level: 'silent' }) }, async (core) => {
        await core.registry.import(TERMS, { actor: 'test', at: NOW });
        await core.directory.refresh();
        const send = (reading: object) =>
          new Promise<void>((resolve, reject) => {
            const message = { topic: 'parks/north/meters/m-1/readings', payload: Buffer.from(JSON.stringify(reading)), gateway: null, transport: 'test' };
            core.pipeline.accept({ ...message, receivedAt: NOW }, (error) => (error === undefined ? resolve() : reject(error)));
          });
        await send({ ts: NOW - 86_400_000, values: { active_power: 6 }, backfill: true });
        expect(core.alerts.open()).to.deep.equal([]);
        await send({ ts: NOW - 7_200_000, values: { active_power: 6 } });
        expect(core.alerts.open().map(({ rule }) => rule)).to.deep.equal(['r']);
        await core.registry.rules.delete(PARK, 'r');
        await core.directory.refresh();
        expect(core.alerts.open()).to.deep.equal([]);
      });
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
});
