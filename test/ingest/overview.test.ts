import { expect } from 'chai';
import { GatewayBook } from '../../ingest/gateways/book.ts';
import { GatewayStandings } from '../../ingest/gateways/standing.ts';
import { IngestOverview } from '../../ingest/overview.ts';
import { aRig, NOW, until } from './harness.ts';

describe('what the operator sees of ingest', () => {
  it('is what has ended, what waits where, and the work of each stage', async () => {
    let now = NOW;
    const rig = aRig({ clock: () => now });
    const current = { gateways: [], gateway: () => undefined, parks: new Map(), metersOf: () => [] };
    const book = new GatewayBook({ current });
    const overview = new IngestOverview({
      pipeline: rig.pipeline,
      standings: new GatewayStandings({ book, directory: { current }, startedAt: NOW }),
      spool: { readings: 7, waitingBytes: 4096, limitBytes: 1 << 20, oldestTs: NOW - 1000, refusal: null },
      lastCommitAt: () => NOW - 5,
      clock: () => now,
    });
    await rig.send({ ts: NOW, values: { active_power: 5, nonsense: 1 } });
    await rig.send({ ts: NOW, values: { active_power: 5 } });
    await rig.send('not json');
    rig.store.hang();
    const sent = rig.send({ ts: NOW + 1, values: { active_power: 6, voltage_a: 230 } });
    await until(() => rig.store.attempts === 3, 'the write');
    now += 12_000;
    const { stages, messagesPerMinute, ...state } = overview.state();
    expect(state).to.deep.equal({
      full: false,
      messages: { accepted: 0, partly: 1, refused: 1, duplicate: 1, leftOut: 0, failed: 0 },
      readings: { fresh: 1, late: 0, duplicate: 1 },
      flagged: {},
      rejects: { 'unknown-quantity': 1, 'not-json': 1 },
      retries: { store: 0, deadLetters: 0 },
      pending: { messages: 1, readings: 2, decoding: 0, deadLetters: 0, deadLetterBytes: 0 },
      bounds: { messages: 100_000, readings: 500_000, deadLetterBytes: 32 << 20 },
      oldestUnacknowledgedSeconds: 12,
      lastCommitAt: NOW - 5,
      spool: { readings: 7, bytes: 4096, limitBytes: 1 << 20, oldestTs: NOW - 1000, refusal: null },
    });
    expect(messagesPerMinute, 'four in the ten seconds of one sample, which is the least').to.equal(24);
    expect(stages.map(({ stage, items }) => [stage, items])).to.deep.equal([
      ['decode', 0],
      ['validate', 0],
      ['judge', 3],
      ['neighbours', 0],
      ['store', 2],
      ['spool', 0],
      ['drain', 0],
    ]);
    const store = stages.find(({ stage }) => stage === 'store');
    expect(store?.itemsPerMinute).to.equal(12);
    expect(store?.busy).to.be.within(Number.MIN_VALUE, 1);
    rig.store.release();
    await sent;
    expect(overview.state().oldestUnacknowledgedSeconds).to.equal(0);
  });
});
