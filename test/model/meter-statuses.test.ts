import { expect } from 'chai';
import { MeterStatuses } from '../../model/meter-statuses.ts';

describe('what was said of meters', () => {
  it('is nothing at first, for meters of any number', () => {
    const statuses = new MeterStatuses();
    expect([statuses.of(0), statuses.of(1_000_000)]).to.deep.equal([null, null]);
    statuses.tell(1_000_000, false, 5);
    expect([statuses.of(999_999), statuses.of(1_000_000)]).to.deep.equal([null, { online: false, since: 5 }]);
  });

  it('holds since it was said first of one that is there, and last of one that is gone', () => {
    const statuses = new MeterStatuses();
    statuses.tell(3, true, 10);
    statuses.tell(3, true, 20);
    expect(statuses.of(3)).to.deep.equal({ online: true, since: 10 });
    statuses.tell(3, false, 30);
    statuses.tell(3, false, 40);
    expect(statuses.of(3)).to.deep.equal({ online: false, since: 40 });
    statuses.tell(3, true, 50);
    expect(statuses.of(3)).to.deep.equal({ online: true, since: 50 });
  });
});
