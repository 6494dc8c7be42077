import { expect } from 'chai';
import type { UnknownMeter } from '../../../dashboards/web/rest.ts';
import { measured, recordOf, suggestion } from '../../../dashboards/web/views/unknown-meters.ts';

const seen = (seconds: number, count: number, more: Partial<UnknownMeter> = {}): UnknownMeter => ({
  ...{ meter: 'm-9', park: 'p-1', topics: [], transport: 'mqtt', gateway: 'g-1', suggested: [], suggestedKind: 'water' },
  ...{ firstSeen: new Date(0).toISOString(), lastSeen: new Date(seconds * 1000).toISOString(), count },
  ...more,
});

describe('the registration of an unknown meter', () => {
  it('suggests the usual interval that is nearest to what was seen', () => {
    for (const [seconds, count, interval] of [
      [0, 1, 60],
      [0, 5, 1],
      [50, 11, 5],
      [620, 11, 60],
      [8000, 11, 900],
      [1e7, 2, 86_400],
    ] as const) {
      expect(suggestion(seen(seconds, count)).intervalSeconds, `${seconds} s, ${count} messages`).to.equal(interval);
    }
  });

  it('suggests the kind of what the meter measures, and electricity where nobody knows', () => {
    expect(suggestion(seen(0, 1)).kind).to.equal('water');
    for (const suggestedKind of [null, 'teapot']) expect(suggestion(seen(0, 1, { suggestedKind })).kind).to.equal('electricity');
  });

  it('names what is measured in the reader’s language, and as the message does where that differs', () => {
    expect(measured('zh-CN', 'active_power', 'active_power')).to.equal('有功功率');
    expect(measured('en', 'P_total', 'active_power')).to.equal('Active power (P_total)');
    expect(measured('en', 'P_total', null)).to.equal('P_total');
  });

  it('becomes a record of the meter’s park and gateway, of the park itself where no enterprise was chosen', () => {
    const filled = suggestion(seen(0, 1));
    expect(recordOf(seen(0, 1), filled)).to.deep.equal({
      ...{ name: 'm-9', kind: 'water', multiplier: 1, intervalSeconds: 60 },
      ...{ park: 'p-1', gateway: 'g-1', parent: null, enterprise: null },
    });
    expect(recordOf(seen(0, 1), { ...filled, enterprise: 'e-1' }).enterprise).to.equal('e-1');
  });
});
