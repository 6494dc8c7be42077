import { expect } from 'chai';
import type { Decoded } from '../../ingest/codecs/decoded.ts';
import type { RejectReason } from '../../ingest/reject-reasons.ts';
import type { GreenparkError } from '../../model/errors.ts';
import { LatestReadings } from '../../model/latest.ts';
import { QUALITY } from '../../model/quality.ts';
import { quantityOf } from '../../model/quantities.ts';
import { aMeter, aRig, directoryOf, NOW, RecordingStore, type Row, until } from './harness.ts';

const reading = (values: Record<string, unknown>, sinceNow = 0) => ({ ts: NOW + sinceNow, values });
const outcomes = ({ accepted, partly, refused, duplicate }: { accepted: number; partly: number; refused: number; duplicate: number }) => ({
  accepted,
  partly,
  refused,
  duplicate,
});

describe('ingest/pipeline', () => {
  describe('values', () => {
    it('are stored in the catalogue’s unit after the meter’s multiplier', async () => {
      const meter = aMeter(1, { multiplier: 40, units: { active_energy_import: 'MWh', voltage_a: 'kV' } });
      const rig = aRig({ meters: [meter] });
      await rig.send(reading({ active_energy_import: 0.5, active_power: 2, voltage_a: 0.23, power_factor: 0.9 }));
      expect(rig.store.rows).to.deep.equal([
        [1, 'active_energy_import', 0, 20_000, 'good'],
        [1, 'active_power', 0, 80, 'good'],
        [1, 'voltage_a', 0, 230, 'good'],
        [1, 'power_factor', 0, 0.9, 'good'],
      ]);
    });

    it('follow a change of the registry from the next message on', async () => {
      const rig = aRig();
      await rig.send(reading({ active_power: 1 }));
      rig.directory.current = directoryOf(aMeter(1, { multiplier: 10 }));
      await rig.send(reading({ active_power: 1 }, 1));
      await rig.send(reading({ active_power: 1 }, 2), { meter: 'm-2' });
      expect(rig.store.rows.map((row) => row[3])).to.deep.equal([1, 10]);
      expect(rig.pipeline.stats.rejects['unknown-meter']).to.equal(1);
    });

    it('take the time of arrival when they come alone', async () => {
      const rig = aRig();
      await rig.send({ active_power: 3 });
      expect(rig.store.rows).to.deep.equal([[1, 'active_power', 0, 3, 'good']]);
    });

    it('out of the physical range and counters that fall are stored with their flag and counted', async () => {
      const rig = aRig();
      await rig.send([reading({ active_energy_import: 100, power_factor: 7 }), reading({ active_energy_import: 5 }, 1)]);
      expect(rig.store.rows.map((row) => row[4])).to.deep.equal(['good', 'range', 'backwards']);
      expect([QUALITY.range, QUALITY.backwards].map((quality) => rig.pipeline.stats.flagged[quality])).to.deep.equal([1, 1]);
    });

    const bad: readonly { readonly name: string; readonly payload: string; readonly reason: RejectReason; readonly says: RegExp }[] = [
      {
        name: 'an unknown quantity',
        payload: `{"ts":${NOW},"values":{"power":1,"voltage_a":230}}`,
        reason: 'unknown-quantity',
        says: /"power" is not in the catalogue; GET \/api\/v1\/quantities lists the names/,
      },
      { name: 'a prototype’s name', payload: `{"ts":${NOW},"values":{"__proto__":1,"voltage_a":230}}`, reason: 'unknown-quantity', says: /"__proto__"/ },
      {
        name: 'text',
        payload: `{"ts":${NOW},"values":{"active_power":"1","voltage_a":230}}`,
        reason: 'not-a-number',
        says: /active_power is the text "1"; expected a JSON number/,
      },
      { name: 'null', payload: `{"ts":${NOW},"values":{"active_power":null,"voltage_a":230}}`, reason: 'not-a-number', says: /is null/ },
      { name: 'an object', payload: `{"ts":${NOW},"values":{"active_power":{"v":1},"voltage_a":230}}`, reason: 'not-a-number', says: /an object/ },
      { name: 'a number beyond all bounds', payload: `{"ts":${NOW},"values":{"active_power":1e400,"voltage_a":230}}`, reason: 'not-finite', says: /too large/ },
      {
        name: 'a time in the future',
        payload: `[{"ts":${NOW + 1_800_001},"values":{"active_power":1}},{"ts":${NOW},"values":{"voltage_a":230}}]`,
        reason: 'time-in-future',
        says: /at \[0\]: .*1800 s ahead/,
      },
      {
        name: 'a time in seconds',
        payload: `[{"ts":1767225600,"values":{"active_power":1}},{"ts":${NOW},"values":{"voltage_a":230}}]`,
        reason: 'time-too-old',
        says: /1767225600000/,
      },
      {
        name: 'a date without signs',
        payload: `[{"ts":20260115,"values":{"active_power":1}},{"ts":${NOW},"values":{"voltage_a":230}}]`,
        reason: 'time-too-old',
        says: /20260115 is before the year 2000; expected UTC milliseconds; it looks like YYYYMMDD, which a mapping reads where its time\.as is that$/,
      },
      {
        name: 'a date and time without signs',
        payload: `[{"ts":20260115120000,"values":{"active_power":1}},{"ts":${NOW},"values":{"voltage_a":230}}]`,
        reason: 'time-in-future',
        says: /ahead of this service; expected UTC milliseconds; it looks like YYYYMMDDHHmmss, which/,
      },
      {
        name: 'a negative time',
        payload: `[{"ts":-1,"values":{"active_power":1}},{"ts":${NOW},"values":{"voltage_a":230}}]`,
        reason: 'time-too-old',
        says: /before the year 2000/,
      },
    ];
    for (const row of bad) {
      it(`${row.name}: refused with its reason, the rest of the message is kept`, async () => {
        const rig = aRig();
        await rig.send(row.payload);
        expect(rig.store.rows).to.deep.equal([[1, 'voltage_a', 0, 230, 'good']]);
        expect(rig.letters.letters).to.have.length(1);
        expect(rig.letters.letters[0]).to.include({ reason: row.reason, park: 'p-1', meter: 'm-1', payloadLength: row.payload.length });
        expect(rig.letters.letters[0]?.detail).to.match(row.says);
        expect(Buffer.from(rig.letters.letters[0]?.payload ?? []).toString()).to.equal(row.payload);
        expect(outcomes(rig.pipeline.stats)).to.deep.equal({ accepted: 0, partly: 1, refused: 0, duplicate: 0 });
        expect(rig.pipeline.stats.rejects[row.reason]).to.equal(1);
      });
    }

    it('exactly at the allowed clock skew are taken', async () => {
      const rig = aRig();
      await rig.send(reading({ active_power: 1 }, 300_000));
      expect(rig.pipeline.stats.accepted).to.equal(1);
    });
  });

  describe('whole messages', () => {
    const cases: readonly {
      readonly name: string;
      readonly send: Parameters<ReturnType<typeof aRig>['send']>[1];
      readonly payload?: string;
      readonly reason: RejectReason;
    }[] = [
      { name: 'of an unknown meter', send: { meter: 'm-99' }, reason: 'unknown-meter' },
      { name: 'under another park', send: { topic: 'parks/p-2/meters/m-1/readings' }, reason: 'wrong-park' },
      { name: 'of a gateway that is not the meter’s', send: { gateway: 'g-2' }, reason: 'gateway-not-allowed' },
      { name: 'on a topic that is none', send: { topic: 'parks/p-1/meters/m-1/reading' }, reason: 'wrong-topic' },
      { name: 'on a topic with a foreign root', send: { topic: '$SYS/x' }, reason: 'wrong-topic' },
      { name: 'beyond the longest payload', send: {}, payload: ' '.repeat((1 << 20) + 1), reason: 'too-large' },
      { name: 'with an unknown status', send: { topic: 'parks/p-1/meters/m-1/status' }, payload: 'on', reason: 'wrong-shape' },
    ];
    for (const row of cases) {
      it(`${row.name} are refused, counted and kept as a dead letter`, async () => {
        const rig = aRig();
        await rig.send(row.payload ?? reading({ active_power: 1 }), row.send);
        expect(rig.store.rows).to.deep.equal([]);
        expect(rig.letters.letters.map((letter) => letter.reason)).to.deep.equal([row.reason]);
        expect(outcomes(rig.pipeline.stats)).to.deep.equal({ accepted: 0, partly: 0, refused: 1, duplicate: 0 });
      });
    }

    it('are kept whole as long as they may be taken; of a longer one a part is kept, and its true length', async () => {
      const rig = aRig({ limits: { maxPayloadBytes: 100_000, deadLetterPayloadBytes: 10 } });
      await rig.send('x'.repeat(100_000));
      await rig.send('x'.repeat(100_001));
      expect(rig.letters.letters.map(({ reason, payload, payloadLength }) => [reason, payload.length, payloadLength])).to.deep.equal([
        ['not-json', 100_000, 100_000],
        ['too-large', 10, 100_001],
      ]);
    });

    it('that are refused for several reasons have one copy of their bytes for all letters', async () => {
      const rig = aRig();
      await rig.send({ ts: NOW, values: { active_power: 'x', banana: 1, pad: 'y'.repeat(1000) } });
      const [first, second] = rig.letters.letters;
      expect(first?.reason).to.not.equal(second?.reason);
      expect(first?.payload).to.equal(second?.payload);
      expect(rig.pipeline.stats.pendingLetterBytes).to.equal(0);
    });

    it('of one sender fill no more bytes than its share in a minute: long ones half of it, so that short ones still come through', async () => {
      const rig = aRig({ limits: { deadLetterBytesPerSenderAndMinute: 400_000 } });
      const flood = (gateway: string | null) => Promise.all(Array.from({ length: 10 }, () => rig.send('x'.repeat(100_000), { gateway, topic: 'gw/1' })));
      const short = (gateway: string | null) => Promise.all(Array.from({ length: 20 }, () => rig.send('x'.repeat(16_000), { gateway, topic: 'gw/1' })));
      await flood('gw-flood');
      expect(rig.letters.letters.map(({ payload }) => payload.length)).to.deep.equal([100_000, 100_000]);
      expect(rig.pipeline.stats).to.include({ refused: 10, lettersKept: 2, lettersSkipped: 8 });
      expect(rig.pipeline.stats.rejects['wrong-topic']).to.equal(10);
      await short('gw-flood');
      expect(rig.letters.letters).to.have.length(2 + 13);
      await flood('gw-other');
      expect(rig.letters.letters).to.have.length(2 + 13 + 2);
    });

    it('of one flooding sender do not make the others wait', async () => {
      const rig = aRig({ limits: { maxPendingLetterBytes: 32 << 20 } });
      const told: boolean[] = [];
      rig.pipeline.onPressure((full) => told.push(full));
      await Promise.all(Array.from({ length: 100 }, () => rig.send(Buffer.alloc(1 << 20), { gateway: 'gw-flood', topic: 'gw/1' })));
      expect(told).to.deep.equal([]);
      expect(rig.pipeline.stats).to.include({ lettersKept: 16, lettersSkipped: 84 });
    });

    it('are written in pieces that nothing else waits long for', async () => {
      const rig = aRig();
      await Promise.all(Array.from({ length: 12 }, () => rig.send(Buffer.alloc(1 << 20), { topic: 'gw/1' })));
      expect([rig.letters.letters.length, rig.letters.transactions]).to.deep.equal([12, 3]);
    });

    it('of one sender with one fault fill no more than their share of letters, and all are counted', async () => {
      const rig = aRig({ limits: { deadLettersPerSenderAndMinute: 5 } });
      await Promise.all(Array.from({ length: 50 }, () => rig.send('x')));
      await rig.send('[]');
      expect(rig.letters.letters).to.have.length(6);
      expect(rig.pipeline.stats).to.include({ refused: 51, lettersKept: 6, lettersSkipped: 45 });
      expect(rig.pipeline.stats.rejects['not-json']).to.equal(50);
    });

    it('of a status topic tell the meter’s status', async () => {
      const told: unknown[] = [];
      const rig = aRig({ onStatus: (status) => told.push(status) });
      await rig.send('offline', { topic: 'parks/p-1/meters/m-1/status', gateway: 'g-1' });
      expect(told).to.deep.equal([{ park: 'p-1', meter: 'm-1', gateway: 'g-1', online: false, at: NOW }]);
      expect(rig.pipeline.stats.accepted).to.equal(1);
    });
  });

  describe('order', () => {
    it('fresh readings are judged in order of arrival before they are stored, late ones are told after they were', async () => {
      const rig = aRig();
      rig.store.hang();
      const sent = Promise.all([
        rig.send(reading({ active_power: 1 }, -5)),
        rig.send(reading({ active_power: 2 }, -3)),
        rig.send(reading({ active_power: 3 }, -4)),
      ]);
      await until(() => rig.judged.length === 2, 'the judgement');
      expect(rig.judged.map((row) => row[2])).to.deep.equal([-5, -3]);
      expect(rig.late).to.deep.equal([]);
      rig.store.release();
      await sent;
      expect(rig.store.blocks.map((block) => block.arrival)).to.deep.equal(['fresh', 'late']);
      expect(rig.late.map((row) => row[2])).to.deep.equal([-4]);
    });

    it('judgement goes on while the store is away', async () => {
      const rig = aRig();
      rig.store.hang();
      const first = rig.send(reading({ active_power: 1 }));
      await until(() => rig.store.attempts === 1, 'the first write');
      const second = rig.send(reading({ active_power: 2 }, 1));
      await until(() => rig.judged.length === 2, 'the second judgement');
      rig.store.release();
      await Promise.all([first, second]);
    });

    it('what arrives during a write is committed together, fresh rows first', async () => {
      const rig = aRig();
      rig.store.hang();
      const sent = [rig.send(reading({ active_power: 0 }))];
      await until(() => rig.store.attempts === 1, 'the first write');
      for (let at = 1; at <= 20; at++) sent.push(rig.send(reading({ active_power: at }, at)));
      rig.store.release();
      await Promise.all(sent);
      expect(rig.store.blocks.map((block) => block.rows.length)).to.deep.equal([1, 20]);
    });

    it('blocks are bounded, and stay in order', async () => {
      const rig = aRig({ limits: { maxBlockRows: 10 } });
      rig.store.hang();
      const sent = Array.from({ length: 35 }, (_, at) => rig.send(reading({ active_power: at }, at)));
      rig.store.release();
      await Promise.all(sent);
      expect(rig.store.blocks.map((block) => block.rows.length)).to.deep.equal([10, 10, 10, 5]);
      expect(rig.store.rows.map((row) => row[3])).to.deep.equal(Array.from({ length: 35 }, (_, at) => at));
      expect(rig.judged).to.have.length(35);
    });
  });

  describe('done', () => {
    it('is called only after the commit', async () => {
      const rig = aRig();
      rig.store.hang();
      let done = false;
      const sent = rig.send(reading({ active_power: 1 })).then(() => {
        done = true;
      });
      await until(() => rig.store.attempts === 1, 'the write');
      await new Promise((resolve) => setImmediate(resolve));
      expect(done).to.equal(false);
      rig.store.release();
      await sent;
    });

    it('does not wait for the store when everything was refused', async () => {
      const rig = aRig();
      rig.store.hang();
      const good = rig.send(reading({ active_power: 1 }));
      await rig.send('x');
      expect(rig.letters.letters).to.have.length(1);
      rig.store.release();
      await good;
    });

    it('waits for the letter of a message that was kept in part', async () => {
      const rig = aRig();
      rig.letters.awayFor = 3;
      await rig.send(reading({ active_power: 1, nonsense: 2 }));
      expect(rig.letters.letters).to.have.length(1);
      expect(rig.pipeline.stats).to.include({ letterRetries: 3, pendingMessages: 0, pendingReadings: 0, pendingLetterBytes: 0 });
    });
  });

  describe('a store that is away', () => {
    it('is asked again until it takes the block; nothing is lost, doubled or out of order', async () => {
      const rig = aRig();
      rig.store.awayFor = 5;
      await Promise.all(Array.from({ length: 10 }, (_, at) => rig.send(reading({ active_power: at }, at))));
      expect(rig.store.rows.map((row) => row[3])).to.deep.equal(Array.from({ length: 10 }, (_, at) => at));
      expect(rig.pipeline.stats).to.include({ storeRetries: 5, accepted: 10, readingsFresh: 10, readingsDuplicate: 0 });
    });

    it('makes the senders wait at the bound and go on at half of it', async () => {
      const rig = aRig({ limits: { maxPendingReadings: 10 } });
      const told: boolean[] = [];
      rig.pipeline.onPressure((full) => told.push(full));
      rig.store.hang();
      const sent = Array.from({ length: 12 }, (_, at) => rig.send(reading({ active_power: at }, at)));
      expect(rig.pipeline.full).to.equal(true);
      rig.store.release();
      await Promise.all(sent);
      expect(rig.pipeline.full).to.equal(false);
      expect(told).to.deep.equal([true, false]);
    });

    it('does not hold up a stop longer than its grace; what was not stored goes back unacknowledged', async () => {
      const rig = aRig({ retry: { firstMs: 60_000, longestMs: 60_000 } });
      rig.store.awayFor = Number.POSITIVE_INFINITY;
      const sent = rig.send(reading({ active_power: 1 })).then(
        () => 'acknowledged',
        (error: GreenparkError) => error.code,
      );
      await until(() => rig.store.attempts === 1, 'the write');
      await rig.pipeline.stop(10);
      expect(await sent).to.equal('STORE_UNREACHABLE');
      expect(rig.pipeline.stats).to.include({ failed: 1, accepted: 0 });
      const after = await rig.send(reading({ active_power: 1 })).catch((error: GreenparkError) => error.code);
      expect(after).to.equal('STORE_CLOSED');
    });
  });

  it('does not hold up a stop longer than its grace where the store never answers either', async () => {
    const rig = aRig();
    rig.store.hang();
    const sent = rig.send(reading({ active_power: 1 })).catch((error: GreenparkError) => error.code);
    await until(() => rig.store.attempts === 1, 'the write');
    await rig.pipeline.stop(10);
    expect(await sent).to.equal('STORE_CLOSED');
    rig.store.release();
  });

  it('keeps every row that the store refuses, however many of one sender there are in a minute', async () => {
    const rig = aRig({ limits: { deadLettersPerSenderAndMinute: 3 } });
    rig.store.refuses = () => true;
    await rig.send(Array.from({ length: 10 }, (_, at) => reading({ active_power: at }, at)));
    expect(rig.letters.letters.map((letter) => JSON.parse(Buffer.from(letter.payload).toString()).value)).to.have.members(
      Array.from({ length: 10 }, (_, at) => at),
    );
  });

  it('rows that the store refuses are found and become dead letters; their neighbours are stored', async () => {
    const rig = aRig();
    rig.store.refuses = (row: Row) => row[3] === 13 || row[3] === 14;
    await Promise.all(Array.from({ length: 40 }, (_, at) => rig.send(reading({ active_power: at }, at))));
    expect(rig.store.rows.map((row) => row[3])).to.deep.equal(Array.from({ length: 40 }, (_, at) => at).filter((at) => at !== 13 && at !== 14));
    expect(rig.letters.letters.map((letter) => [letter.reason, letter.meter, JSON.parse(Buffer.from(letter.payload).toString()).value])).to.deep.equal([
      ['store-refused', 'm-1', 13],
      ['store-refused', 'm-1', 14],
    ]);
  });

  it('rows beside one that the store refuses are checked for repeats where an attempt before may have stored them', async () => {
    const rig = aRig();
    rig.store.awayFor = 1;
    rig.store.refuses = (row: Row) => row[3] === 2;
    await Promise.all([1, 2, 3].map((at) => rig.send(reading({ active_power: at }, at))));
    expect(rig.store.blocks.map(({ arrival, rows }) => [arrival, rows.map((row) => row[3])])).to.deep.equal([
      ['late', [1]],
      ['late', [3]],
    ]);
    expect(rig.pipeline.stats.readingsFresh).to.equal(2);
  });

  describe('the same message again', () => {
    it('is a duplicate and is acknowledged', async () => {
      const rig = aRig();
      await rig.send(reading({ active_power: 1, voltage_a: 230 }));
      await rig.send(reading({ active_power: 1, voltage_a: 230 }));
      expect(rig.store.size).to.equal(2);
      expect(outcomes(rig.pipeline.stats)).to.deep.equal({ accepted: 1, partly: 0, refused: 0, duplicate: 1 });
      expect(rig.judged).to.have.length(2);
    });

    it('is a duplicate after a restart, when the latest readings come from the store', async () => {
      const store = new RecordingStore();
      await aRig({ store }).send(reading({ active_power: 1 }));
      const latest = new LatestReadings();
      latest.offer(latest.seriesOf(1, quantityOf('active_power').code), NOW, 1, 0);
      const again = aRig({ store, latest });
      await again.send(reading({ active_power: 1 }));
      expect(store.size).to.equal(1);
      expect(again.pipeline.stats.duplicate).to.equal(1);
      expect(again.judged).to.deep.equal([]);
    });

    it('counts repeats and newcomers among late messages so that both counts agree', async () => {
      const rig = aRig();
      await rig.send(reading({ active_power: 9 }, 100));
      await rig.send(reading({ active_power: 1 }, 1));
      rig.store.hang();
      const sent = [1, 2, 3].map((at) => rig.send(reading({ active_power: at }, at)));
      rig.store.release();
      await Promise.all(sent);
      expect(outcomes(rig.pipeline.stats)).to.deep.equal({ accepted: 4, partly: 0, refused: 0, duplicate: 1 });
      expect(rig.pipeline.stats).to.include({ readingsFresh: 1, readingsLate: 3, readingsDuplicate: 1 });
    });
  });

  it('with a linger, a sender that waits for each acknowledgement is never kept waiting for company', async () => {
    const rig = aRig({ limits: { lingerMs: 60_000 } });
    for (let at = 0; at < 5; at++) await rig.send(reading({ active_power: at }, at));
    expect(rig.store.blocks.map((block) => block.rows.length)).to.deep.equal([1, 1, 1, 1, 1]);
  });

  it('with a linger, what follows closely on a group goes together', async () => {
    const rig = aRig({ limits: { lingerMs: 500 } });
    await Promise.all([rig.send(reading({ active_power: 1 })), rig.send(reading({ active_power: 2 }, 1))]);
    await new Promise((resolve) => setImmediate(resolve));
    const first = rig.send(reading({ active_power: 3 }, 2));
    await new Promise((resolve) => setImmediate(resolve));
    await new Promise((resolve) => setImmediate(resolve));
    await Promise.all([first, rig.send(reading({ active_power: 4 }, 3))]);
    expect(rig.store.blocks.map((block) => block.rows.length)).to.deep.equal([2, 2]);
  });

  it('with a linger, what came while a write ran waits for company too', async () => {
    const rig = aRig({ limits: { lingerMs: 500 } });
    rig.store.hang();
    const first = [0, 1].map((at) => rig.send(reading({ active_power: at }, at)));
    await until(() => rig.store.attempts === 1, 'the first write');
    const next = rig.send(reading({ active_power: 2 }, 2));
    await new Promise((resolve) => setImmediate(resolve));
    rig.store.release();
    await Promise.all(first);
    await Promise.all([next, rig.send(reading({ active_power: 3 }, 3))]);
    expect(rig.store.blocks.map((block) => block.rows.length)).to.deep.equal([2, 2]);
  });

  it('with a linger, a lone message does not wait because of a group of long ago', async () => {
    const rig = aRig({ limits: { lingerMs: 400 } });
    await Promise.all([0, 1].map((at) => rig.send(reading({ active_power: at }, at))));
    const end = performance.now() + 450;
    await until(() => performance.now() > end, 'more than the linger');
    const began = performance.now();
    await rig.send(reading({ active_power: 2 }, 2));
    expect(performance.now() - began).to.be.below(90);
  });

  it('makes the senders wait when the messages that wait for a codec are too many bytes', async () => {
    const answers: ((decoded: Decoded) => void)[] = [];
    const rig = aRig({ limits: { maxPendingDecodeBytes: 1000 }, codecs: [{ decode: () => new Promise<Decoded>((resolve) => answers.push(resolve)) }] });
    const send = () => rig.send(Buffer.alloc(400), { topic: 'gw/1' });
    const sent = [send(), send()];
    expect(rig.pipeline.full).to.equal(false);
    sent.push(send());
    expect([rig.pipeline.full, rig.pipeline.stats.pendingDecodeBytes]).to.deep.equal([true, 1200]);
    for (const answer of answers) answer({ frames: [], statuses: [], refusals: [{ reason: 'not-json', detail: 'x', count: 1 }] });
    await Promise.all(sent);
    expect([rig.pipeline.full, rig.pipeline.stats.pendingDecodeBytes]).to.deep.equal([false, 0]);
  });

  it('keeps the bytes of a message whose answer waits for another, though its buffer is used again', async () => {
    let answer: (decoded: Decoded) => void = () => {};
    const rig = aRig({
      limits: { maxPayloadBytes: 8 },
      codecs: [
        {
          decode: () =>
            new Promise<Decoded>((resolve) => {
              answer = resolve;
            }),
        },
      ],
    });
    const buffer = Buffer.from('xxxxxxxxxxxx');
    const first = rig.send(buffer.subarray(0, 4), { topic: 'gw/1' });
    const second = rig.send(buffer, { topic: 'gw/2' });
    buffer.fill('y');
    answer({ frames: [], statuses: [], refusals: [{ reason: 'not-json', detail: 'x', count: 1 }] });
    await Promise.all([first, second]);
    expect(rig.letters.letters.map(({ payload }) => Buffer.from(payload).toString())).to.deep.equal(['xxxx', 'xxxxxxxxxxxx']);
  });

  it('tells nobody of relief that is over already', async () => {
    const rig = aRig({ limits: { maxPendingMessages: 2 } });
    rig.store.hang();
    const heard: boolean[] = [];
    const more: Promise<void>[] = [];
    rig.pipeline.onPressure((full) => {
      if (!full && more.length === 0) for (const at of [2, 3]) more.push(rig.send(reading({ active_power: at }, at)));
    });
    rig.pipeline.onPressure((full) => heard.push(full));
    const sent = [0, 1].map((at) => rig.send(reading({ active_power: at }, at)));
    await until(() => rig.store.attempts === 1, 'the write');
    rig.store.release();
    await Promise.all(sent);
    await Promise.all(more);
    await rig.pipeline.drain();
    expect(heard.at(-1)).to.equal(rig.pipeline.full);
    expect(heard).to.deep.equal([true, true, false]);
  });

  it('with a linger, nobody waits for company that has stopped coming', async () => {
    const rig = aRig({ limits: { lingerMs: 400 } });
    await Promise.all([0, 1].map((at) => rig.send(reading({ active_power: at }, at))));
    const began = performance.now();
    await rig.send(reading({ active_power: 2 }, 2));
    expect(performance.now() - began).to.be.below(400);
  });

  it('a listener that throws is counted and harms nobody', async () => {
    const rig = aRig({
      judge: () => {
        throw new Error('rule engine');
      },
    });
    await rig.send(reading({ active_power: 1 }));
    expect(rig.store.size).to.equal(1);
    expect(rig.pipeline.stats.listenerErrors).to.equal(1);
  });

  it('drain waits for everything under way', async () => {
    const rig = aRig();
    rig.store.awayFor = 3;
    void rig.send(reading({ active_power: 1 }));
    void rig.send('x');
    await rig.pipeline.drain();
    expect(rig.store.size).to.equal(1);
    expect(rig.letters.letters).to.have.length(1);
  });
});
