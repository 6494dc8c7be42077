import { join } from 'node:path';
import { expect } from 'chai';
import request from 'supertest';
import { QUALITY } from '../../model/quality.ts';
import { quantityOf } from '../../model/quantities.ts';
import { ReadingBlockBuilder } from '../../model/reading.ts';
import { openEmbeddedStore } from '../../store/embedded/open.ts';
import type { Correction, ReadingStore } from '../../store/port.ts';
import { bearer, type Person, TestService } from '../api/service.ts';

const POWER = quantityOf('active_power').code;
/** Midnight in the park. */
const MIDNIGHT = Date.UTC(2026, 0, 13, 16);
const MINUTE = 60_000;

describe('readings at the API, from a real store', () => {
  let service: TestService;
  let store: ReadingStore;
  const corrected: Correction[] = [];

  before(async () => {
    service = await TestService.open((deps) => ({
      store: {
        raw: (query) => store.raw(query),
        steps: (query) => store.steps(query),
        correct: (correction) => store.correct(correction),
        revisions: (meter, quantity, ts) => store.revisions(meter, quantity, ts),
      },
      corrected: (correction) => void corrected.push(correction),
      latest: deps.latest,
    }));
    store = await openEmbeddedStore({ directory: join(service.folder, 'readings'), memoryLimitMb: 128, threads: 1 });
    const ordinal = service.watch.current.meter('m-alpha')?.ordinal ?? -1;
    const series = service.latest.seriesOf(ordinal, POWER);
    const rows = new ReadingBlockBuilder();
    // A minute apart over two hours from the park's midnight; the value is the minute, the fifth is out of range.
    for (let minute = 0; minute < 120; minute++) {
      const quality = minute === 5 ? QUALITY.range : QUALITY.good;
      rows.push(series, ordinal, POWER, MIDNIGHT + minute * MINUTE, minute, quality);
      service.latest.offer(series, MIDNIGHT + minute * MINUTE, minute, quality);
    }
    await store.write(rows.take(), 'fresh');
  });
  after(async () => {
    await store.close();
    service.close();
  });

  const get = (path: string, person: Person = 'enterprise') => request(service.app).get(`/api/v1/meters/m-alpha/${path}`).set('Authorization', bearer(person));
  const window = `from=2026-01-14T00:00:00%2B08:00&to=${MIDNIGHT + 120 * MINUTE}`;

  it('answers the latest of each quantity with its unit, quality and time', async () => {
    const { body } = await get('latest');
    expect(body).to.deep.equal({
      items: [{ quantity: 'active_power', unit: 'kW', ts: '2026-01-14T01:59:00.000+08:00', value: 119, quality: 'good' }],
      next: null,
    });
  });

  it('answers raw readings page by page, those that do not count among them', async () => {
    const values: number[] = [];
    for (let query: string | null = window; query !== null; ) {
      const { status, body } = await get(`series?quantity=active_power&limit=50&${query}`);
      expect([status, body.step, body.unit]).to.deep.equal([200, 'raw', 'kW']);
      values.push(...body.items.map(({ value }: { value: number }) => value));
      if (values.length === 50) expect(body.items[5]).to.deep.equal({ ts: '2026-01-14T00:05:00.000+08:00', value: 5, quality: 'range' });
      query = body.next === null ? null : `from=${encodeURIComponent(body.next)}&to=${MIDNIGHT + 120 * MINUTE}`;
    }
    expect(values).to.deep.equal(Array.from({ length: 120 }, (_, minute) => minute));
  });

  it('answers steps of the readings that count, from the midnight of the park', async () => {
    const { body } = await get(`series?quantity=active_power&step=PT1H&aggregate=all&${window}`);
    expect(body.step).to.equal(3600);
    // 0 to 59 without 5: their sum is 1765.
    expect(body.items).to.deep.equal([
      { ts: '2026-01-14T00:00:00.000+08:00', count: 59, mean: 1765 / 59, min: 0, max: 59, last: 59 },
      { ts: '2026-01-14T01:00:00.000+08:00', count: 60, mean: 89.5, min: 60, max: 119, last: 119 },
    ]);
    const daily = await get(`series?quantity=active_power&step=P1D&aggregate=max&${window}`);
    expect(daily.body.items).to.deep.equal([{ ts: '2026-01-14T00:00:00.000+08:00', value: 119, count: 119 }]);
  });

  it('says which step would fit when there would be too many points', async () => {
    const { status, body } = await get('series?quantity=active_power&step=1&from=2026-01-01T00:00:00Z&to=2026-01-31T00:00:00Z');
    expect([status, body.faults[0].path]).to.deep.equal([400, 'query.step']);
    expect(body.faults[0].message).to.contain('at least 260 seconds');
  });

  it('keeps the original beside its correction, which averages and people then see', async () => {
    const at = MIDNIGHT + 5 * MINUTE;
    const correct = (person: Person, body: object) =>
      request(service.app).post('/api/v1/meters/m-alpha/corrections').set('Authorization', bearer(person)).send(body);
    const made = await correct('committee', { quantity: 'active_power', ts: '2026-01-14T00:05:00+08:00', value: 5.5, reason: 'read off the display' });
    const revisions = [
      { value: 5, quality: 'range', correction: null },
      { value: 5.5, quality: 'corrected', correction: { author: 'token:committee', reason: 'read off the display', at: '2026-01-15T12:00:00.000+08:00' } },
    ];
    expect([made.status, made.body.items]).to.deep.equal([201, revisions]);
    expect((await get(`revisions?quantity=active_power&ts=${at}`, 'auditor')).body.items).to.deep.equal(revisions);
    const { body } = await get(`series?quantity=active_power&step=PT1H&aggregate=count&${window}`);
    expect(body.items[0].value).to.equal(60);
    expect(corrected.map(({ ts, value }) => [ts, value])).to.deep.equal([[at, 5.5]]);
    const trail = await request(service.app).get('/api/v1/audit?subject=reading').set('Authorization', bearer('auditor'));
    expect(trail.body.items[0]).to.deep.include({
      action: 'correct',
      actor: 'token:committee',
      subjectId: 'm-alpha',
      before: { quantity: 'active_power', ts: '2026-01-14T00:05:00.000+08:00', value: 5, quality: 'range' },
    });
    expect((await correct('committee', { quantity: 'active_power', ts: String(at + 1), value: 1, reason: 'there is none' })).status).to.equal(404);
    expect((await correct('committee', { quantity: 'active_power', ts: String(at), value: 1e9, reason: 'impossible' })).body.faults[0].path).to.equal(
      'body.value',
    );
  });
});
